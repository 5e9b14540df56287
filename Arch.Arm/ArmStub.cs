using System.Buffers.Binary;
using ElfLoader.Relocations;

namespace ElfLoader.Arch.Arm;

/// <summary>A piece of code with one address or distance in it.</summary>
internal sealed class ArmStub
{
    private readonly byte[] _code;
    private readonly int? _word;

    /// <summary>Describes a piece of code.</summary>
    /// <param name="kind">Its name.</param>
    /// <param name="code">Its bytes in hexadecimal, in memory order.</param>
    /// <param name="isThumb">Whether it is entered in Thumb.</param>
    /// <param name="usesSlot">Whether the value is that of a slot which holds the target.</param>
    /// <param name="word">Offset of the word that holds the value; absent where MOVW and MOVT do, or nothing.</param>
    /// <param name="armFrom">Where Thumb code changes to A32, if it does.</param>
    public ArmStub(
        string kind, string code, bool isThumb = false, bool usesSlot = false, int? word = null, int? armFrom = null)
    {
        _code = Convert.FromHexString(code.Replace(" ", "", StringComparison.Ordinal));
        _word = word;
        List<(int, string)> mapping = [(0, isThumb ? "$t" : "$a")];
        if (armFrom is { } offset)
        {
            mapping.Add((offset, "$a"));
        }

        if (word is { } data)
        {
            mapping.Add((data, "$d"));
        }

        Shape = new StubShape(kind, _code.Length, Alignment: sizeof(uint), usesSlot)
        {
            IsThumb = isThumb,
            MappingSymbols = mapping,
        };
    }

    /// <summary>What the loader sees of it.</summary>
    public StubShape Shape { get; }

    /// <summary>Offset of the MOVW of the value's lower half; the MOVT follows.</summary>
    public int? Movw { get; init; }

    /// <summary>Offset of what the value counts from; absent where it is an address.</summary>
    public int? Origin { get; init; }

    /// <summary>Writes the code.</summary>
    public void Write(Span<byte> code, uint address, uint target)
    {
        // A distance may wrap around the address space, as the processor's own addition does.
        uint value = Origin is { } origin ? unchecked(target - (address + (uint)origin)) : target;
        _code.CopyTo(code);
        if (_word is { } word)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(code[word..], value);
        }

        if (Movw is { } movw)
        {
            (Shape.IsThumb ? ArmFields.ThumbMovw : ArmFields.Movw).Write(code[movw..], (int)value);
            (Shape.IsThumb ? ArmFields.ThumbMovt : ArmFields.Movt).Write(code[(movw + sizeof(uint))..], (int)value);
        }
    }
}
