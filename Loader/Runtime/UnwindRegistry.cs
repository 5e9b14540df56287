using System.Runtime.InteropServices;
using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>One unit's unwind tables, as the unwinder knows them.</summary>
internal sealed class UnwindRegistration
{
    internal UnwindRegistration(UnwindRegistry registry, ulong ehFrame, ulong code)
    {
        Registry = registry;
        EhFrame = ehFrame;
        Code = code;
    }

    /// <summary>Who registered them.</summary>
    internal UnwindRegistry Registry { get; }

    /// <summary>Address of the tables.</summary>
    internal ulong EhFrame { get; }

    /// <summary>Address of the code that they describe, which no other tables describe.</summary>
    internal ulong Code { get; }
}

/// <summary>
/// Makes C++ exceptions and backtraces find their way through loaded code. May be used from any thread.
/// </summary>
/// <remarks>
/// The unwinder is the host's libgcc_s, to which <c>_Unwind_RaiseException</c> of loaded code binds. Before GCC 13 it keeps
/// what is registered in a list, through which each throw goes, and sorts an entry of it at the first throw: ten thousand
/// entries cost a third of a second then. So tables are registered in sets, each of neighbours in the order of their code,
/// for the unwinder expects that the code of its entries does not overlap. From GCC 13 on it has a tree instead, and each table
/// is registered for itself.
/// </remarks>
internal sealed class UnwindRegistry
{
    /// <summary>Most tables in a set: a change makes the unwinder sort all of it again.</summary>
    private const int LargestSet = 256;

    /// <summary>More than libgcc's <c>struct object</c> takes (unwind-dw2-fde.h).</summary>
    private const int EntrySize = 64;

    /// <summary>
    /// Milliseconds before such memory is used again: a thread that throws looks at an entry once more, to decode the address
    /// of the function that it has found, after it has let go of the unwinder's lock.
    /// </summary>
    private const long Rest = 2_000;

    private readonly ulong _register;
    private readonly ulong _registerSet;
    private readonly ulong _deregister;
    private readonly int _largest;
    private readonly Lock _gate = new();
    private readonly Queue<(NativeBlock Entry, long Since)> _left = [];
    private readonly List<Set> _sets = []; // by address

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

    /// <summary>Registers tables with the host's unwinder.</summary>
    /// <param name="ehFrame">
    /// Address of a whole .eh_frame: entries one after the other, relocated, ended by a zero
    /// word. It must stay until it is deregistered.
    /// </param>
    /// <param name="code">Address of the code that they describe; the code of different tables does not mix.</param>
    /// <returns>What <see cref="Deregister"/> takes.</returns>
    public UnwindRegistration Register(ulong ehFrame, ulong code)
    {
        var registration = new UnwindRegistration(this, ehFrame, code);
        lock (_gate)
        {
            int index = IndexOf(code);
            if (_largest is 1 || index < 0)
            {
                _sets.Insert(index + 1, Open([registration]));
                return registration;
            }

            Set set = _sets[index];
            List<UnwindRegistration> members = [.. set.Members, registration];
            members.Sort((left, right) => left.Code.CompareTo(right.Code));
            int half = members.Count <= _largest ? members.Count : members.Count / 2;

            // Whoever throws meanwhile finds his function in the old set: the new table's code does not run yet.
            _sets[index] = Open(members[..half]);
            if (half < members.Count)
            {
                _sets.Insert(index + 1, Open(members[half..]));
            }

            Close(set);
        }

        return registration;
    }

    /// <summary>Takes a registration back, once: libgcc aborts the process on tables it does not know.</summary>
    public static void Deregister(UnwindRegistration registration) => registration.Registry.Remove(registration);

    /// <summary>The last set that begins at or before an address, or the first set; -1 if there is none.</summary>
    private int IndexOf(ulong code)
    {
        int low = 0;
        int high = _sets.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_sets[middle].Members[0].Code <= code)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return _sets.Count is 0 ? -1 : _largest is 1 ? low - 1 : Math.Max(low - 1, 0);
    }

    private void Remove(UnwindRegistration registration)
    {
        lock (_gate)
        {
            int index = IndexOf(registration.Code);
            Set set = _sets[index];
            List<UnwindRegistration> members = [.. set.Members.Where(member => member != registration)];
            Set? neighbour = index > 0 && _sets[index - 1].Members.Count + members.Count <= _largest / 2 ? _sets[index - 1] : null;
            if (neighbour is not null)
            {
                members.InsertRange(0, neighbour.Members);
                _sets.RemoveAt(index);
                _sets[index - 1] = Open(members);
                Close(neighbour);
            }
            else if (members.Count > 0)
            {
                _sets[index] = Open(members);
            }
            else
            {
                _sets.RemoveAt(index);
            }

            Close(set);
        }
    }

    private Set Open(List<UnwindRegistration> members)
    {
        NativeBlock entry = TakeEntry();
        if (members is [{ } only])
        {
            _ = NativeCall.Call(_register, only.EhFrame, entry.Address);
            return new Set(members, null, entry);
        }

        var array = new NativeBlock((members.Count + 1) * nint.Size); // a null pointer ends it
        for (int i = 0; i < members.Count; i++)
        {
            nint table = (nint)members[i].EhFrame;
            MemoryMarshal.Write(array.Bytes[(i * nint.Size)..], table);
        }

        // __deregister_frame_info takes what begins with 32 zero bits for an empty table, and does nothing.
        if ((uint)members[0].EhFrame is 0)
        {
            MemoryMarshal.Write(array.Bytes, (nint)members[1].EhFrame);
            MemoryMarshal.Write(array.Bytes[nint.Size..], (nint)members[0].EhFrame);
        }

        _ = NativeCall.Call(_registerSet, array.Address, entry.Address);
        return new Set(members, array, entry);
    }

    /// <summary>Memory for what the unwinder notes of a set.</summary>
    private NativeBlock TakeEntry()
    {
        if (_left.TryPeek(out (NativeBlock Entry, long Since) oldest) && Environment.TickCount64 - oldest.Since > Rest)
        {
            return _left.Dequeue().Entry;
        }

        return new NativeBlock(EntrySize);
    }

    private void Close(Set set)
    {
        _ = NativeCall.Call(_deregister, set.Array?.Address ?? set.Members[0].EhFrame);
        set.Array?.Dispose();
        _left.Enqueue((set.Entry, Environment.TickCount64));
    }

    /// <summary>Tables that are registered as one.</summary>
    /// <param name="Members">The tables.</param>
    /// <param name="Array">Their addresses, as the unwinder wants them; null for a single one.</param>
    /// <param name="Entry">What the unwinder notes of them.</param>
    private sealed record Set(List<UnwindRegistration> Members, NativeBlock? Array, NativeBlock Entry);
}
