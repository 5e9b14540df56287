using System.Buffers.Binary;
using System.Numerics;

namespace ElfLoader.Relocations;

/// <summary>The bytes a <see cref="BitField"/> is cut from.</summary>
public enum Unit
{
    /// <summary>One byte.</summary>
    Byte,

    /// <summary>Two bytes, little-endian; also a 16-bit Thumb instruction.</summary>
    Half,

    /// <summary>Four bytes, little-endian; also an Arm instruction.</summary>
    Word,

    /// <summary>Eight bytes, little-endian.</summary>
    Xword,

    /// <summary>A 32-bit Thumb instruction: two little-endian halfwords, the first one the more significant.</summary>
    ThumbPair,
}

/// <summary>Consecutive bits that move together between a value and the word that holds it.</summary>
/// <param name="ValueBit">Lowest bit of the run in the value.</param>
/// <param name="WordBit">Lowest bit of the run in the word.</param>
/// <param name="Width">Length of the run, in bits.</param>
public readonly record struct BitRun(int ValueBit, int WordBit, int Width);

/// <summary>
/// A field described by the runs of bits it is made of. Encoding, decoding, the owned bits, the width and the
/// alignment all follow from that one list, so they cannot disagree with each other.
/// </summary>
public sealed class BitField : Field
{
    private readonly BitRun[] _runs;

    /// <summary>Describes a field by the runs of bits it is made of.</summary>
    public BitField(Unit unit, params BitRun[] runs)
    {
        ArgumentNullException.ThrowIfNull(runs);
        Unit = unit;
        _runs = runs;
        foreach (BitRun run in runs)
        {
            Mask |= Ones(run.Width) << run.WordBit;
        }

        LowBit = runs.Min(run => run.ValueBit);
        HighBit = runs.Max(run => run.ValueBit + run.Width) - 1;
        Size = unit switch { Unit.Byte => 1, Unit.Half => 2, Unit.Xword => 8, _ => 4 };
        IsWhole = runs.Length is 1 && LowBit is 0 && HighBit == (Size * 8) - 1;
    }

    /// <summary>A whole byte.</summary>
    public static BitField Byte { get; } = new(Unit.Byte, new BitRun(0, 0, 8));

    /// <summary>A whole little-endian halfword.</summary>
    public static BitField Half { get; } = new(Unit.Half, new BitRun(0, 0, 16));

    /// <summary>A whole little-endian word.</summary>
    public static BitField Word { get; } = new(Unit.Word, new BitRun(0, 0, 32));

    /// <summary>A whole little-endian doubleword.</summary>
    public static BitField Xword { get; } = new(Unit.Xword, new BitRun(0, 0, 64));

    /// <summary>The bytes the field is cut from.</summary>
    public Unit Unit { get; }

    /// <summary>Bits of the word that belong to the field.</summary>
    public ulong Mask { get; }

    /// <inheritdoc/>
    public override int Size { get; }

    /// <inheritdoc/>
    public override int LowBit { get; }

    /// <inheritdoc/>
    public override int HighBit { get; }

    /// <summary>Whether the field is its whole unit, bit for bit: plain data.</summary>
    public bool IsWhole { get; }

    /// <summary>Instruction that must be at the place, outside the field; zero for data.</summary>
    public uint Opcode { get; init; }

    /// <summary>Bits of the word that <see cref="Opcode"/> is compared with; zero for data.</summary>
    public uint OpcodeMask { get; init; }

    /// <summary>Whether writing sets the opcode, where another one may stand, rather than requiring it.</summary>
    public bool WritesOpcode { get; init; }

    /// <summary>Whether <see cref="Read"/> zero-extends: the instruction has no way to say a negative number.</summary>
    public bool IsUnsigned { get; init; }

    /// <summary>Change between the value and its stored form that is its own inverse; usually absent.</summary>
    public Func<ulong, ulong>? Involution { get; init; }

    /// <summary>The same bits of the word, holding a higher part of the value.</summary>
    public BitField Shifted(int bits, uint opcode) =>
        new(Unit, [.. _runs.Select(run => run with { ValueBit = run.ValueBit + bits })])
        {
            Opcode = opcode,
            OpcodeMask = OpcodeMask,
            WritesOpcode = WritesOpcode,
        };

    /// <inheritdoc/>
    public override bool Fits(ReadOnlySpan<byte> place) =>
        OpcodeMask is 0 || WritesOpcode || (Load(place) & OpcodeMask) == Opcode;

    /// <inheritdoc/>
    public override long Read(ReadOnlySpan<byte> place)
    {
        ulong word = Load(place);
        ulong stored = 0;
        foreach (BitRun run in _runs)
        {
            stored |= ((word >> run.WordBit) & Ones(run.Width)) << run.ValueBit;
        }

        int spare = 63 - HighBit;
        ulong value = Twist(stored) << spare;
        return IsUnsigned ? (long)(value >> spare) : (long)value >> spare;
    }

    /// <inheritdoc/>
    public override void Write(Span<byte> place, long value)
    {
        if (IsWhole)
        {
            Store(place, (ulong)value);
            return;
        }

        ulong stored = Twist((ulong)value);
        ulong word = Load(place) & ~Mask;
        if (WritesOpcode)
        {
            word = (word & ~(ulong)OpcodeMask) | Opcode;
        }

        foreach (BitRun run in _runs)
        {
            word |= ((stored >> run.ValueBit) & Ones(run.Width)) << run.WordBit;
        }

        Store(place, word);
    }

    private static ulong Ones(int width) => ulong.MaxValue >> (64 - width);

    private ulong Twist(ulong value) => Involution is null ? value : Involution(value);

    private ulong Load(ReadOnlySpan<byte> place) => Unit switch
    {
        Unit.Byte => place[0],
        Unit.Half => BinaryPrimitives.ReadUInt16LittleEndian(place),
        Unit.Word => BinaryPrimitives.ReadUInt32LittleEndian(place),
        Unit.Xword => BinaryPrimitives.ReadUInt64LittleEndian(place),
        _ => BitOperations.RotateLeft(BinaryPrimitives.ReadUInt32LittleEndian(place), 16),
    };

    private void Store(Span<byte> place, ulong word)
    {
        switch (Unit)
        {
            case Unit.Byte: place[0] = (byte)word; break;
            case Unit.Half: BinaryPrimitives.WriteUInt16LittleEndian(place, (ushort)word); break;
            case Unit.Word: BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)word); break;
            case Unit.Xword: BinaryPrimitives.WriteUInt64LittleEndian(place, word); break;
            default: BinaryPrimitives.WriteUInt32LittleEndian(place, BitOperations.RotateLeft((uint)word, 16)); break;
        }
    }
}
