using System.Buffers.Binary;
using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Relocations;

namespace ElfLoader.Fuzz.Differential;

/// <summary>Compares our answer at a place with another linker's, and finds the reason where they differ.</summary>
/// <param name="isArm">Whether for Arm.</param>
/// <param name="table">Address of the global offset table.</param>
/// <param name="theirs">The other linker's image.</param>
/// <param name="isGnu">Whether that linker is GNU ld.</param>
internal sealed class Judge(bool isArm, ulong table, OutputImage theirs, bool isGnu)
{
    private readonly Architecture _architecture = isArm ? Arm.Default : X64.Instance;
    private readonly Branches _branches = new(theirs);
    private readonly Dictionary<string, RelocationRule> _rules =
        (isArm ? Arm.Default.Relocations : X64.Instance.Relocations).Rules.ToDictionary(rule => rule.Name);

    /// <summary>The reason for a place that both have written.</summary>
    /// <param name="pair">The objects.</param>
    /// <param name="section">The section.</param>
    /// <param name="place">The place.</param>
    /// <param name="before">Its bytes as the assembler left them.</param>
    /// <param name="ours">Our bytes, from the start of the code.</param>
    /// <param name="other">The other linker's.</param>
    /// <param name="image">Our image.</param>
    internal Reason Written(
        GeneratedPair pair,
        GeneratedSection section,
        GeneratedPlace place,
        ReadOnlySpan<byte> before,
        ReadOnlySpan<byte> ours,
        ReadOnlySpan<byte> other,
        LinkedImage image)
    {
        if (ours.SequenceEqual(other))
        {
            return Reason.Equal;
        }

        if (place.Form.Origin is Origin.Text)
        {
            // xor %eax,%eax; mov %fs:(%rax),%rax; add $block,%rax; lea offset(%rax),%rcx
            return ours.Length is 19 && ours.StartsWith((ReadOnlySpan<byte>)[0x31, 0xc0, 0x64, 0x48, 0x8b, 0x00, 0x48, 0x05])
                && BinaryPrimitives.ReadInt32LittleEndian(ours[8..]) + BinaryPrimitives.ReadInt32LittleEndian(ours[15..])
                    == BinaryPrimitives.ReadInt32LittleEndian(other[15..])
                ? Reason.LocalDynamicByBlock
                : Reason.Unexplained;
        }

        RelocationRule rule = _rules[(isArm ? "R_ARM_" : "R_X86_64_") + place.Form.Type];
        Operands operands = Operands(pair, section, place, rule, before);
        int field = place.Form.Field;
        bool sameCode = ours[..field].SequenceEqual(other[..field]);
        if (place.Form.Origin is Origin.Slot || rule.Slot is not GotSlot.None)
        {
            return !sameCode && !isArm && (IsRelaxed(operands, ours[field..]) || IsRelaxed(operands, other[field..])) ? Reason.RelaxedByOne
                : SlotOf(rule, operands, ours[field..]) is var mine && SlotOf(rule, operands, other[field..]) is var their
                    && ReadWord(image, mine) is { } held && held == ReadWord(their) ? Reason.OwnSlot
                : Reason.Unexplained;
        }

        if (rule.IsBranch && rule.Form is not null && isArm
            && _branches.Destination(rule, operands, ours, image) is { } our && _branches.Destination(rule, operands, other, null) is { } theirTarget)
        {
            ulong end = (uint)(operands.S + (ulong)(operands.A + _architecture.BranchOrigin(rule))) & ~1U;
            if (our.Target != end)
            {
                return Reason.Unexplained;
            }

            if (isGnu && _branches.IsBesideStub(place.Form.Type, rule, operands, other))
            {
                return Reason.LandsBesideStub;
            }

            if (our.Target != theirTarget.Target)
            {
                return isGnu ? GnuArm.Explain(rule, operands, before[..other.Length], other.ToArray())
                    : theirTarget == (operands.S, true) ? Reason.AddendLostInStub
                    : Reason.Unexplained;
            }

            return our.IsVeneer && theirTarget.IsVeneer ? Reason.OwnVeneer
                : theirTarget.IsVeneer && place.Form.Type is "PC24" or "PLT32" ? Reason.Exchanged
                : theirTarget.IsVeneer ? Reason.VeneerInReach
                : Reason.Unexplained;
        }

        if (!isArm)
        {
            return Reason.Unexplained;
        }

        if (isGnu)
        {
            return GnuArm.Explain(rule, operands, before[..other.Length], other.ToArray());
        }

        if (IsThumbBitInSum(rule, before, operands, other))
        {
            return Reason.AddendAddedToThumbBit;
        }

        const byte direction = 0x80; // U, in the first halfword
        return place.Form.Type is "THM_PC12" && ours[0] == (other[0] ^ direction) && ours[1..].SequenceEqual(other[1..])
            ? Reason.DirectionNotWritten
            : Reason.Unexplained;
    }

    /// <summary>The reason for a place that one of the linkers has refused; null for the message of the other.</summary>
    internal Reason RefusedByOne(
        GeneratedPair pair,
        GeneratedSection section,
        GeneratedPlace place,
        ReadOnlySpan<byte> before,
        string? message,
        ReadOnlySpan<byte> ours,
        ReadOnlySpan<byte> other,
        LinkedImage image)
    {
        if (place.Form.Origin is Origin.Text)
        {
            return Reason.Unexplained;
        }

        RelocationRule rule = _rules[(isArm ? "R_ARM_" : "R_X86_64_") + place.Form.Type];
        Operands operands = Operands(pair, section, place, rule, before);
        long size = (long)operands.Z + operands.A;
        if (place.Form.Type is "SIZE32" && (message is null ? size is > int.MaxValue and <= uint.MaxValue : size is >= int.MinValue and < 0))
        {
            return Reason.SizeIsSigned;
        }

        if (!isArm && message is not null && rule.Field.Size <= 2)
        {
            long value = _architecture.Relocations.Evaluate(rule, operands);
            long limit = 1L << (8 * rule.Field.Size);
            byte[] cut = before.ToArray();
            rule.Field.Write(cut, value);
            return value >= -limit && value <= limit && other.SequenceEqual(cut.AsSpan(0, other.Length)) ? Reason.TakenAsBitField : Reason.Unexplained;
        }

        if (message is null && place.Form.Origin is Origin.Slot && pair.Symbols[place.Symbol].Kind is 'w')
        {
            return Reason.WeakSlotRefused;
        }

        if (!isArm && message is null && place.Form.Type is "PLT32" or "PC32")
        {
            int field = place.Form.Field;
            ulong end = operands.P + 4;
            ulong landing = end + (ulong)(long)BinaryPrimitives.ReadInt32LittleEndian(ours[field..]);
            ulong target = operands.S + (ulong)operands.A + 4;
            return image.Stubs.Any(stub => stub.Address == landing && stub.Target == target) ? Reason.StubOutOfReach : Reason.Unexplained;
        }

        if (isArm && isGnu)
        {
            ulong end = (uint)(operands.S + (ulong)(operands.A + _architecture.BranchOrigin(rule))) & ~1U;
            if (message is null && rule.IsBranch && rule.Form is not null
                && _branches.Destination(rule, operands, ours, image) == (end, true) && GnuArm.TakesNoStub(place.Form.Type, operands))
            {
                return Reason.ReachWithoutAddend;
            }

            return GnuArm.Explain(rule, operands, before[..other.Length], message is null ? null : other.ToArray());
        }

        return isArm && IsThumbBitInSum(rule, before, operands, other) ? Reason.AddendAddedToThumbBit : Reason.Unexplained;
    }

    /// <summary>(S | T) + A, of which lld clears bit 0 where T does not count.</summary>
    private bool IsThumbBitInSum(RelocationRule rule, ReadOnlySpan<byte> before, Operands operands, ReadOnlySpan<byte> other)
    {
        Operands sum = operands with { S = operands.S | operands.T, T = 0 };
        return Applied(rule, before, sum, other)
            || (operands.IsFunction && Applied(rule, before, sum with { A = sum.A - (((long)sum.S + sum.A) & 1) }, other));
    }

    /// <summary>Whether an operand is the symbol's address, or the distance to it.</summary>
    private static bool IsRelaxed(in Operands operands, ReadOnlySpan<byte> field)
    {
        long value = BinaryPrimitives.ReadInt32LittleEndian(field);
        long distance = (long)(operands.S - operands.P) - 4;
        long afterJump = BinaryPrimitives.ReadUInt32LittleEndian(field); // jmp's field is one byte earlier: nop is its last
        return value == (long)operands.S || (uint)value == operands.S || value == distance
            || (afterJump >> 24 is 0x90 && ((int)afterJump << 8) == (int)((distance + 1) & 0xffff_ff00));
    }

    private bool Applied(RelocationRule rule, ReadOnlySpan<byte> before, Operands operands, ReadOnlySpan<byte> expected)
    {
        byte[] place = before.ToArray();
        return _architecture.Relocations.Apply(rule, place, operands, out _) is RelocationOutcome.Applied
            && expected.SequenceEqual(place.AsSpan(0, expected.Length));
    }

    /// <summary>The letters of a place's formula.</summary>
    internal Operands Operands(
        GeneratedPair pair, GeneratedSection section, GeneratedPlace place, RelocationRule rule, ReadOnlySpan<byte> before)
    {
        _ = pair.Symbols.TryGetValue(place.Symbol, out GeneratedSymbol? symbol);
        ulong s = symbol?.Address ?? 0;
        var operands = new Operands
        {
            S = s,
            L = s,
            P = section.Address + (ulong)place.Offset,
            A = isArm ? rule.ReadAddend(before[place.Form.Field..]) : place.Addend,
            T = isArm && symbol?.Kind is 't' ? 1UL : 0,
            IsFunction = symbol?.Kind is 'a' or 't',
            Got = table,
            B = pair.StaticBase ?? 0,
            Z = symbol is { Kind: not 'n' } ? symbol.Size : 0,
        };
        if (symbol?.Kind is 'w')
        {
            _architecture.BindUndefinedWeak(rule, ref operands);
        }

        return operands;
    }

    /// <summary>Where the slot lies that a value refers to.</summary>
    private ulong SlotOf(RelocationRule rule, Operands operands, ReadOnlySpan<byte> field)
    {
        long value = rule.Field.Read(field);
        operands.G = 0;
        ulong slot = table + (ulong)(value - _architecture.Relocations.Evaluate(rule, operands));
        return isArm ? (uint)slot : slot;
    }

    private ulong? ReadWord(ulong address) => theirs.Read(address, _architecture.AddressSize) is { Length: > 0 } word ? Word(word) : null;

    private ulong? ReadWord(LinkedImage image, ulong address)
    {
        Span<byte> word = stackalloc byte[_architecture.AddressSize];
        return image.TryRead(address, word) ? Word(word) : null;
    }

    private static ulong Word(ReadOnlySpan<byte> word) =>
        word.Length is 4 ? BinaryPrimitives.ReadUInt32LittleEndian(word) : BinaryPrimitives.ReadUInt64LittleEndian(word);
}
