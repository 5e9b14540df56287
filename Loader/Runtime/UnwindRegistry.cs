using System.Runtime.InteropServices;
using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>
/// Makes C++ exceptions and backtraces find their way through loaded code. May be used from any thread.
/// </summary>
/// <remarks>
/// The unwinder is the host's libgcc_s, to which <c>_Unwind_RaiseException</c> of loaded code binds. Before GCC 13 it keeps
/// what is registered in a list, through which each throw goes, and sorts an entry of it at the first throw: ten thousand
/// entries cost a third of a second then. So tables are registered in sets, each of neighbours in the order of their code,
/// for the unwinder expects that the code of its entries does not overlap. To change a set is to register it anew, so a table
/// that no set surrounds is one by itself at first, and joins a set when there are some of its like. From GCC 13 on it has a
/// tree instead, and each table is registered for itself. Unwinders that are loaded themselves are told of each table, too, where
/// they do not find tables on their own.
/// </remarks>
internal sealed class UnwindRegistry
{
    /// <summary>Most tables in a set: a change makes the unwinder sort all of it again.</summary>
    private const int LargestSet = 256;

    /// <summary>Tables that are sets by themselves, before those of them that are neighbours are put together.</summary>
    internal const int MostSingles = 8;

    private readonly ulong _register;
    private readonly ulong _registerSet;
    private readonly ulong _deregister;
    private readonly int _largest;
    private readonly Lock _gate = new();
    private readonly UnwindEntries _entries = new();
    private readonly Stack<NativeBlock> _spareArrays = [];
    private readonly Stack<UnwindSet> _spareSingles = [];
    private readonly List<UnwindSet> _joining = [];
    private readonly List<UnwindSet> _sets = []; // by address
    private LoadedUnwinder[] _loaded = []; // never changed, but replaced: it is gone through while foreign code runs
    private int _singles;

    /// <summary>Finds the host's unwinder.</summary>
    /// <exception cref="LinkException">There is none.</exception>
    public UnwindRegistry()
    {
        const string Library = "libgcc_s.so.1";
        ulong library = DynamicLinker.Open(Library, out string error);
        _register = library is 0 ? 0 : DynamicLinker.Find(library, "__register_frame_info"u8);
        _registerSet = library is 0 ? 0 : DynamicLinker.Find(library, "__register_frame_info_table"u8);
        _deregister = library is 0 ? 0 : DynamicLinker.Find(library, "__deregister_frame_info"u8);
        if (_register is 0 || _registerSet is 0 || _deregister is 0)
        {
            throw new LinkException(LinkErrorCode.Unsupported, new LinkLocation(Library), $"no unwinder: {error}");
        }

        bool hasTree = DynamicLinker.Find(library, "__truncxfbf2"u8) is not 0; // came with GCC 13, as the tree did
        _largest = hasTree ? 1 : LargestSet;
    }

    /// <summary>Number of entries in the unwinder's list.</summary>
    internal int SetCount
    {
        get
        {
            lock (_gate)
            {
                return _sets.Count;
            }
        }
    }

    /// <summary>Tells an unwinder in loaded code of all tables that are registered, and from now on of each.</summary>
    public void Add(LoadedUnwinder unwinder)
    {
        lock (_gate)
        {
            _loaded = [.. _loaded, unwinder];
            foreach (ulong table in Tables())
            {
                _ = NativeCall.Call(unwinder.Register, table);
            }
        }
    }

    /// <summary>Takes back all that an unwinder in loaded code has been told; its code is about to go.</summary>
    public void Remove(LoadedUnwinder unwinder)
    {
        lock (_gate)
        {
            _loaded = [.. _loaded.Where(other => !ReferenceEquals(other, unwinder))];
            foreach (ulong table in Tables())
            {
                _ = NativeCall.Call(unwinder.Deregister, table);
            }
        }
    }

    /// <summary>Registers tables with the host's unwinder, and with those in loaded code that have to be told.</summary>
    /// <param name="ehFrame">
    /// Address of a whole .eh_frame: entries one after the other, relocated, ended by a zero
    /// word. It must stay until it is deregistered.
    /// </param>
    /// <param name="code">Address of the code that they describe; the code of different tables does not mix.</param>
    /// <returns>What <see cref="Deregister"/> takes.</returns>
    public UnwindRegistration Register(ulong ehFrame, ulong code)
    {
        lock (_gate)
        {
            UnwindRegistration registration = RegisterWithHost(ehFrame, code);
            foreach (LoadedUnwinder unwinder in _loaded)
            {
                _ = NativeCall.Call(unwinder.Register, ehFrame);
            }

            return registration;
        }
    }

    /// <summary>Takes a registration back, once: libgcc aborts the process on tables it does not know.</summary>
    public void Deregister(in UnwindRegistration registration)
    {
        lock (_gate)
        {
            foreach (LoadedUnwinder unwinder in _loaded)
            {
                _ = NativeCall.Call(unwinder.Deregister, registration.EhFrame);
            }

            int index = IndexOf(registration.Code);
            int place = _sets[index].IndexOf(registration.EhFrame);
            while (place < 0) // without code, a unit may be at the address of another one
            {
                place = _sets[--index].IndexOf(registration.EhFrame);
            }

            UnwindSet set = _sets[index];
            UnwindRegistration removed = set.Members[place];
            if (set.IsSingle)
            {
                _sets.RemoveAt(index);
                CloseSingle(removed);
            }
            else
            {
                Opened old = set.Opened;
                set.RemoveAt(place);
                Reopen(index, set, old);
            }

            _entries.Give(removed.Entry);
        }
    }

    private UnwindRegistration RegisterWithHost(ulong ehFrame, ulong code)
    {
        var registration = new UnwindRegistration(ehFrame, code) { Entry = _entries.Take() };
        int index = IndexOf(code);
        if (index >= 0 && code < _sets[index].LastCode)
        {
            Insert(index, registration);
            return registration;
        }

        UnwindSet single = NewSingle(registration);
        OpenSingle(registration);
        _sets.Insert(index + 1, single);
        if (_largest > 1 && _singles >= MostSingles)
        {
            JoinSingles(index + 1);
        }

        return registration;
    }

    private List<ulong> Tables()
    {
        List<ulong> tables = [];
        foreach (UnwindSet set in _sets)
        {
            foreach (ref readonly UnwindRegistration member in set.Members)
            {
                tables.Add(member.EhFrame);
            }
        }

        return tables;
    }

    /// <summary>The last set that begins at or before an address; -1 if there is none.</summary>
    private int IndexOf(ulong code)
    {
        int low = 0;
        int high = _sets.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_sets[middle].FirstCode <= code)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }

    /// <summary>Puts a table where a set surrounds it.</summary>
    private void Insert(int index, UnwindRegistration registration)
    {
        // Whoever throws meanwhile finds his function in the old set: the new table's code does not run yet.
        UnwindSet set = _sets[index];
        Opened old = set.Opened;
        set.Insert(registration);
        if (set.Count > _largest)
        {
            UnwindSet upper = set.Split();
            _sets.Insert(index + 1, upper);
            Open(upper);
        }

        Open(set);
        Close(old);
    }

    /// <summary>Puts a single table and its neighbours of the same kind together, with a set beside them if it has room.</summary>
    private void JoinSingles(int index)
    {
        int first = index;
        while (first > 0 && _sets[first - 1].IsSingle)
        {
            first--;
        }

        int end = index + 1;
        while (end < _sets.Count && _sets[end].IsSingle)
        {
            end++;
        }

        int count = end - first;
        int neighbour = first > 0 && _sets[first - 1].Count + count <= _largest ? first - 1
            : end < _sets.Count && _sets[end].Count + count <= _largest ? end
            : -1;
        if (count is 1 && neighbour < 0)
        {
            return;
        }

        _joining.AddRange(CollectionsMarshal.AsSpan(_sets)[first..end]);
        bool hasRoom = neighbour >= 0;
        UnwindSet set = hasRoom ? _sets[neighbour] : new UnwindSet(_joining[0].Members[0]);
        Opened old = set.Opened;
        for (int i = hasRoom ? 0 : 1; i < _joining.Count; i++)
        {
            set.Insert(_joining[i].Members[0]);
        }

        _sets.RemoveRange(first, count);
        if (!hasRoom)
        {
            _sets.Insert(first, set);
        }

        Open(set);
        Close(old);
        foreach (UnwindSet single in _joining)
        {
            CloseSingle(single.Members[0]);
            if (_spareSingles.Count < MostSingles)
            {
                _spareSingles.Push(single);
            }
        }

        _joining.Clear();
    }

    /// <summary>A table by itself: one after the other is, until it joins a set.</summary>
    private UnwindSet NewSingle(in UnwindRegistration registration)
    {
        if (!_spareSingles.TryPop(out UnwindSet? single))
        {
            return new UnwindSet(registration);
        }

        single.Members[0] = registration;
        return single;
    }

    /// <summary>Registers a set anew that has lost a table, with the one before it if both are small.</summary>
    private void Reopen(int index, UnwindSet set, Opened old)
    {
        if (set.Count is 0)
        {
            _sets.RemoveAt(index);
        }
        else if (index > 0 && _sets[index - 1] is { IsSingle: false } before && before.Count + set.Count <= _largest / 2)
        {
            Opened oldBefore = before.Opened;
            before.Append(set);
            _sets.RemoveAt(index);
            Open(before);
            Close(oldBefore);
        }
        else if (set.Count is 1)
        {
            ref UnwindRegistration last = ref set.Members[0];
            _entries.Rest(last.Entry);
            last = last with { Entry = _entries.Take() };
            OpenSingle(last);
            set.Opened = default;
        }
        else
        {
            Open(set);
        }

        Close(old);
    }

    private void Open(UnwindSet set)
    {
        if (!_spareArrays.TryPop(out NativeBlock? array))
        {
            array = new NativeBlock((LargestSet + 1) * sizeof(ulong));
        }

        set.Write(array);
        set.Opened = new Opened(array, _entries.Take());
        _ = NativeCall.Call(_registerSet, array.Address, set.Opened.Entry);
    }

    private void Close(Opened opened)
    {
        if (opened.Array is { } array)
        {
            _ = NativeCall.Call(_deregister, array.Address);
            _entries.Rest(opened.Entry);
            if (_spareArrays.Count is 0)
            {
                _spareArrays.Push(array);
            }
            else
            {
                array.Dispose();
            }
        }
    }

    private void OpenSingle(in UnwindRegistration registration)
    {
        _ = NativeCall.Call(_register, registration.EhFrame, registration.Entry);
        _singles++;
    }

    private void CloseSingle(in UnwindRegistration registration)
    {
        _ = NativeCall.Call(_deregister, registration.EhFrame);
        _singles--;
    }
}
