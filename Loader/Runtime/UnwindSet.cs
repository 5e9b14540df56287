using System.Runtime.InteropServices;
using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>How a set of tables is registered.</summary>
/// <param name="Array">Their addresses, as the unwinder wants them; null where nothing is registered as a set.</param>
/// <param name="Entry">What the unwinder notes of them.</param>
internal readonly record struct Opened(NativeBlock? Array, ulong Entry);

/// <summary>Tables that are registered together, in the order of their code; or one by itself.</summary>
internal sealed class UnwindSet
{
    private UnwindRegistration[] _members;

    internal UnwindSet(in UnwindRegistration first)
    {
        _members = [first];
        Count = 1;
    }

    /// <summary>How it is registered; nothing as long as it is one table by itself.</summary>
    internal Opened Opened { get; set; }

    /// <summary>Whether it is one table by itself.</summary>
    internal bool IsSingle => Opened.Array is null;

    /// <summary>Number of tables.</summary>
    internal int Count { get; private set; }

    /// <summary>The tables.</summary>
    internal Span<UnwindRegistration> Members => _members.AsSpan(0, Count);

    /// <summary>Where the code of the first begins.</summary>
    internal ulong FirstCode => _members[0].Code;

    /// <summary>Where the code of the last begins.</summary>
    internal ulong LastCode => _members[Count - 1].Code;

    /// <summary>Adds a table at its place.</summary>
    internal void Insert(in UnwindRegistration registration)
    {
        Reserve(1);
        int place = Count++;
        for (; place > 0 && _members[place - 1].Code > registration.Code; place--)
        {
            _members[place] = _members[place - 1];
        }

        _members[place] = registration;
    }

    /// <summary>Adds the tables of the next set.</summary>
    internal void Append(UnwindSet next)
    {
        Reserve(next.Count);
        next.Members.CopyTo(_members.AsSpan(Count));
        Count += next.Count;
    }

    /// <summary>The place of a table; -1 if it is in another set.</summary>
    internal int IndexOf(ulong ehFrame)
    {
        int place = Count - 1; // mostly the last, as it was loaded last
        while (place >= 0 && _members[place].EhFrame != ehFrame)
        {
            place--;
        }

        return place;
    }

    /// <summary>Takes a table out.</summary>
    internal void RemoveAt(int place)
    {
        Array.Copy(_members, place + 1, _members, place, Count - place - 1);
        Count--;
    }

    /// <summary>Takes the upper half out.</summary>
    internal UnwindSet Split()
    {
        int half = Count / 2;
        var upper = new UnwindSet(_members[half]);
        upper._members = _members[half..Count];
        upper.Count = Count - half;
        Count = half;
        return upper;
    }

    /// <summary>Writes the addresses down as the unwinder wants them: a null pointer ends them.</summary>
    internal void Write(NativeBlock array)
    {
        Span<ulong> addresses = MemoryMarshal.Cast<byte, ulong>(array.Bytes);
        for (int i = 0; i < Count; i++)
        {
            addresses[i] = _members[i].EhFrame;
        }

        addresses[Count] = 0;

        // __deregister_frame_info takes what begins with 32 zero bits for an empty table, and does nothing.
        if ((uint)addresses[0] is 0 && Count > 1)
        {
            (addresses[0], addresses[1]) = (addresses[1], addresses[0]);
        }
    }

    private void Reserve(int more)
    {
        if (Count + more > _members.Length)
        {
            Array.Resize(ref _members, Math.Max(Count + more, _members.Length * 2));
        }
    }
}
