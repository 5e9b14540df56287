using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>One entry of an object's global offset table.</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Symbol">Symbol index in the object; 0 for <see cref="GotSlot.TlsModule"/>.</param>
/// <param name="Offset">Offset from the start of the table, in bytes.</param>
internal readonly record struct GotEntry(GotSlot Kind, int Symbol, int Offset);

/// <summary>
/// The global offset table of one object: a slot for each (symbol, kind) that its relocations ask for, shared by all of
/// them.
/// </summary>
internal sealed class GotTable
{
    /// <summary>Words of a TLS descriptor, with the TLS index that its argument may point to.</summary>
    internal const int DescriptorWords = 4;

    private GotEntry[] _entries = [];
    private int _count;
    private Dictionary<(GotSlot Kind, int Symbol), int>? _others; // indices of entries
    private ushort[]? _addressSlots; // one more than the index of the entry; 0 for none, or one of the others

    /// <summary>Bytes taken so far.</summary>
    internal int Size { get; private set; }

    /// <summary>Block that holds it.</summary>
    internal int Block { get; set; }

    /// <summary>Offset in the block.</summary>
    internal ulong BlockOffset { get; set; }

    /// <summary>Address of the table: GOT, in formulas.</summary>
    internal ulong Address { get; set; }

    /// <summary>The entries, in order of offset.</summary>
    internal ReadOnlySpan<GotEntry> Entries => _entries.AsSpan(0, _count);

    /// <summary>Whether there is a slot of a kind.</summary>
    internal bool Has(GotSlot kind)
    {
        foreach (ref readonly GotEntry entry in Entries)
        {
            if (entry.Kind == kind)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Makes sure that there is a slot.</summary>
    /// <param name="kind">What it is to hold.</param>
    /// <param name="symbol">Symbol index in the object.</param>
    /// <param name="symbolCount">Number of symbols in the object.</param>
    /// <param name="wordSize">Size of an address on the target, in bytes.</param>
    internal void Want(GotSlot kind, int symbol, int symbolCount, int wordSize)
    {
        if (kind is GotSlot.Address)
        {
            _addressSlots ??= new ushort[symbolCount];
            if (_addressSlots[symbol] is not 0)
            {
                return;
            }

            if (_count < ushort.MaxValue)
            {
                Add(kind, symbol, wordSize);
                _addressSlots[symbol] = (ushort)_count;
                return;
            }
        }

        int key = kind is GotSlot.TlsModule ? 0 : symbol;
        _others ??= [];
        if (_others.TryAdd((kind, key), _count))
        {
            Add(kind, key, wordSize);
        }
    }

    /// <summary>Words of a slot.</summary>
    internal static int WordsOf(GotSlot kind) =>
        kind switch { GotSlot.Address or GotSlot.TpOffset => 1, GotSlot.TlsDescriptor => DescriptorWords, _ => 2 };

    /// <summary>Gives all slots the places that they have in another table, which this one becomes part of.</summary>
    internal void MoveInto(SharedGot table, LinkObject file)
    {
        foreach (ref GotEntry entry in _entries.AsSpan(0, _count))
        {
            entry = entry with { Offset = table.OffsetOf(file, entry) };
        }
    }

    /// <summary>Offset of a slot from the start of the table: G.</summary>
    /// <exception cref="InvalidOperationException">It was never wanted: a fault in the scan.</exception>
    internal int Offset(GotSlot kind, int symbol)
    {
        return kind is GotSlot.Address && _addressSlots?[symbol] is > 0 and ushort entry
            ? _entries[entry - 1].Offset
            : _others?.TryGetValue((kind, kind is GotSlot.TlsModule ? 0 : symbol), out int index) is true
            ? _entries[index].Offset
            : throw new InvalidOperationException("The scan has not reserved this GOT slot.");
    }

    private void Add(GotSlot kind, int symbol, int wordSize)
    {
        if (_count == _entries.Length)
        {
            Array.Resize(ref _entries, Math.Max(4, _count * 2));
        }

        _entries[_count++] = new GotEntry(kind, symbol, Size);
        Size += WordsOf(kind) * wordSize;
    }
}
