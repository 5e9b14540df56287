using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>
/// Applies relocations of an accepted object again: twice is as once, and what stood in the field before does not matter.
/// </summary>
internal sealed class RepeatCheck
{
    private const int AtMost = 48;

    /// <summary>Relocations that were looked at.</summary>
    internal long Repeated { get; private set; }

    /// <summary>Looks at some of an object's relocations.</summary>
    /// <param name="elf">The object.</param>
    /// <param name="types">Receives the types of all.</param>
    /// <param name="number">Picks the addresses.</param>
    internal void Check(ElfObject elf, HashSet<uint> types, long number)
    {
        RelocationTable table = elf.Machine is ElfConstants.EM_ARM ? Arm.Default.Relocations : X64.Instance.Relocations;
        var random = new FuzzRandom(1, number);
        int left = AtMost;
        int decompressed = 0;
        foreach (ref readonly RelocationSection section in elf.RelocationSections)
        {
            bool isCompressed = elf.Sections[section.Target].Has(ElfConstants.SHF_COMPRESSED);
            ReadOnlySpan<byte> bytes = !isCompressed ? elf.SectionBytes(section.Target)
                : decompressed++ is 0 ? Decompress(elf, section.Target)
                : default; // what is decompressed here counts as memory that the object takes
            foreach (RelocationRecord record in elf.Relocations(section))
            {
                types.Add(record.Type);
                if (left > 0 && table[record.Type] is { Use: RelocationUse.Static } rule && rule.Field.Size > 0
                    && record.Offset <= (ulong)bytes.Length && rule.Field.Size <= bytes.Length - (int)record.Offset)
                {
                    left--;
                    Check(table, rule, bytes[(int)record.Offset..], section.HasExplicitAddend ? record.Addend : null, ref random);
                }
            }
        }
    }

    /// <summary>Relocations patch what a section decompresses to.</summary>
    private static ReadOnlySpan<byte> Decompress(ElfObject elf, int section)
    {
        try
        {
            return elf.Decompress(section);
        }
        catch (LinkException)
        {
            return default; // it was not asked for by what accepted the object
        }
    }

    private void Check(
        RelocationTable table, RelocationRule rule, ReadOnlySpan<byte> place, long? addend, ref FuzzRandom random)
    {
        Span<byte> pristine = stackalloc byte[8];
        Span<byte> once = stackalloc byte[8];
        Span<byte> again = stackalloc byte[8];
        pristine.Clear();
        place[..Math.Min(8, place.Length)].CopyTo(pristine);
        ulong p = 0x40_0000 + (random.Next() & 0xffff_fffe);
        ulong s = p + (ulong)(random.Limit(26) & ~3L);
        var operands = new Operands
        {
            A = addend ?? rule.ReadAddend(pristine),
            P = p,
            S = s,
            L = s,
            T = random.Percent(50) ? 1UL : 0,
            IsFunction = true,
            Got = 0x80_0000,
            G = 16,
            B = 0x40_0000,
            Tp = s - 64,
            TlsBlock = s - 128,
            Z = 24,
        };
        pristine.CopyTo(once);
        RelocationOutcome first = table.Apply(rule, once, operands, out _);
        if (first is not RelocationOutcome.Applied)
        {
            Require(once.SequenceEqual(pristine), rule, "a refused relocation has changed its place");
            return;
        }

        Repeated++;
        once.CopyTo(again);
        _ = table.Apply(rule, again, operands, out _);
        Require(again.SequenceEqual(once), rule, "applied twice is not applied once");

        if (rule.Type is ArmRelocationTypes.R_ARM_THM_BF12 or ArmRelocationTypes.R_ARM_THM_BF16 or ArmRelocationTypes.R_ARM_THM_BF18)
        {
            return; // out of reach it becomes a NOP, which only the object's own bytes undo
        }

        // As where the object was at another address before.
        pristine.CopyTo(again);
        Operands elsewhere = operands with { S = s + 0x1000, L = s + 0x1000, P = p };
        if (table.Apply(rule, again, elsewhere, out _) is RelocationOutcome.Applied)
        {
            _ = table.Apply(rule, again, operands, out _);
            Require(again.SequenceEqual(once), rule, "applied elsewhere and then here is not applied here");
        }
    }

    private static void Require(bool isTrue, RelocationRule rule, string what)
    {
        if (!isTrue)
        {
            throw new FindingException($"repeat: {rule.Name}", $"{rule.Name}: {what}");
        }
    }
}
