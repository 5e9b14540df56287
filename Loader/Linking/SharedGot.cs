using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>The global offset table of an image: one slot for each (symbol, kind), whichever objects ask for it.</summary>
/// <param name="symbolCount">Number of names in the link.</param>
/// <param name="wordSize">Size of an address on the target, in bytes.</param>
internal sealed class SharedGot(int symbolCount, int wordSize)
{
    private readonly Dictionary<(GotSlot Kind, int Global), int> _others = [];
    private int[]? _addressSlots; // one more than the offset; 0 for none
    private int? _module;

    /// <summary>Bytes taken so far.</summary>
    internal int Size { get; private set; }

    /// <summary>Offset of the slot that an object's entry stands for.</summary>
    internal int OffsetOf(LinkObject file, in GotEntry entry)
    {
        if (entry.Kind is GotSlot.TlsModule)
        {
            return _module ??= Append(entry.Kind);
        }

        int global = file.Global(entry.Symbol);
        if (global < 0)
        {
            return Append(entry.Kind); // no other object knows the symbol
        }

        if (entry.Kind is GotSlot.Address)
        {
            ref int slot = ref (_addressSlots ??= new int[symbolCount])[global];
            slot = slot is 0 ? Append(entry.Kind) + 1 : slot;
            return slot - 1;
        }

        if (!_others.TryGetValue((entry.Kind, global), out int offset))
        {
            offset = Append(entry.Kind);
            _others.Add((entry.Kind, global), offset);
        }

        return offset;
    }

    private int Append(GotSlot kind)
    {
        int offset = Size;
        Size = checked(Size + (GotTable.WordsOf(kind) * wordSize));
        return offset;
    }
}
