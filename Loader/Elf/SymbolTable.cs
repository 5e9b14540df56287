using System.Buffers.Binary;

namespace ElfLoader.Elf;

/// <summary>The symbols of an object, decoded as they are asked for.</summary>
/// <remarks>
/// A loop over many symbols should take <see cref="ElfObject.Symbols"/> once: it finds the bytes once. Symbol 0
/// stands for "no symbol".
/// </remarks>
public readonly ref struct SymbolTable
{
    private readonly ReadOnlySpan<byte> _entries;
    private readonly ReadOnlySpan<byte> _largeIndices;
    private readonly ReadOnlySpan<byte> _names;
    private readonly bool _is64Bit;

    internal SymbolTable(
        ReadOnlySpan<byte> entries, ReadOnlySpan<byte> largeIndices, ReadOnlySpan<byte> names, bool is64Bit)
    {
        _entries = entries;
        _largeIndices = largeIndices;
        _names = names;
        _is64Bit = is64Bit;
        Count = entries.Length / (is64Bit ? Elf64.SymbolSize : Elf32.SymbolSize);
    }

    /// <summary>Number of symbols, counting symbol 0.</summary>
    public int Count { get; }

    /// <summary>The symbol at an index below <see cref="Count"/>.</summary>
    public SymbolRecord this[int index] => _is64Bit ? Read<Elf64>(index) : Read<Elf32>(index);

    /// <summary>A symbol's name in UTF-8, in place, without its zero.</summary>
    public ReadOnlySpan<byte> Name(scoped in SymbolRecord symbol) => StringTable.At(_names, symbol.NameOffset);

    /// <summary>Where a symbol's name stands, also of one that is not valid.</summary>
    internal uint NameOffset(int index) => BinaryPrimitives.ReadUInt32LittleEndian(
        _entries[(index * (_is64Bit ? Elf64.SymbolSize : Elf32.SymbolSize))..]);

    private SymbolRecord Read<TClass>(int index)
        where TClass : IElfClass
    {
        RawSymbol raw = TClass.ReadSymbol(_entries.Slice(index * TClass.SymbolSize, TClass.SymbolSize));
        SymbolPlace place = SymbolPlace.Undefined;
        int section = 0;
        if (raw.Section < ElfConstants.SHN_LORESERVE)
        {
            section = raw.Section;
            place = section == 0 ? SymbolPlace.Undefined : SymbolPlace.Section;
        }
        else
        {
            // ElfObject.Read has refused all other reserved indices.
            switch (raw.Section)
            {
                case ElfConstants.SHN_XINDEX:
                    section = BinaryPrimitives.ReadInt32LittleEndian(_largeIndices[(index * sizeof(uint))..]);
                    place = section == 0 ? SymbolPlace.Undefined : SymbolPlace.Section;
                    break;
                case ElfConstants.SHN_COMMON:
                    place = SymbolPlace.Common;
                    break;
                case ElfConstants.SHN_X86_64_LCOMMON:
                    place = SymbolPlace.LargeCommon;
                    break;
                default:
                    place = SymbolPlace.Absolute;
                    break;
            }
        }

        return new SymbolRecord(raw.Name, raw.Info, raw.Other, place, section, raw.Value, raw.Size);
    }
}
