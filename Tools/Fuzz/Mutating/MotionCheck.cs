using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using ElfLoader.Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>
/// Links an object again for an address further up, and for the old one: there only what relocations patch may differ,
/// and plain relocations by exactly what their expression says; here nothing may.
/// </summary>
internal sealed class MotionCheck(ImageOptions options)
{
    /// <summary>A multiple of every page size, and of 64 KiB, so that the lower halves of addresses stay.</summary>
    private const ulong Distance = 1 << 20;

    private const int LargestCompared = 1 << 16;

    /// <summary>Bytes around the field of a relaxable instruction, or of a thread-local sequence, that may be rewritten.</summary>
    private const int RewrittenBefore = 16;
    private const int RewrittenAfter = 24;

    /// <summary>Relocations whose change was foretold.</summary>
    internal long Foretold { get; private set; }

    /// <summary>Checks.</summary>
    /// <param name="elf">The object.</param>
    /// <param name="image">It, linked with the options.</param>
    /// <param name="comparesFiles">Whether to compare the files byte for byte, too.</param>
    internal void Check(ElfObject elf, LinkedImage image, bool comparesFiles)
    {
        ulong start = elf.Machine is EM_ARM ? 0x1_0000UL : 0x40_0000;
        LinkedImage moved;
        try
        {
            moved = new ImageLinker(options with { Base = start + Distance }).Link([elf]);
        }
        catch (LinkException exception)
        {
            // What was in reach of a number may not be any more.
            bool isReach = exception.Errors.All(error => error.Code is LinkErrorCode.OutOfRange or LinkErrorCode.Placement);
            Require(isReach, "moved", $"refused at another address: {exception.Errors[0]}");
            return;
        }

        LinkedImage back = new ImageLinker(options with { Base = start }).Link([elf]);
        CompareHere(image, back, comparesFiles);
        Compare(elf, image, moved);
    }

    /// <summary>Two links of the same inputs for the same addresses must be the same.</summary>
    internal static void CompareHere(LinkedImage image, LinkedImage back, bool comparesFiles)
    {
        Require(image.Sections.SequenceEqual(back.Sections), "again", "the same link gives another layout");
        Require(image.Got.SequenceEqual(back.Got) && image.Stubs.SequenceEqual(back.Stubs), "again", "the same link gives other slots");
        Span<byte> first = stackalloc byte[4096];
        Span<byte> second = stackalloc byte[4096];
        foreach (ImageSection section in image.Sections)
        {
            ulong end = Math.Min(section.Size, LargestCompared);
            for (ulong at = 0; at < end; at += (ulong)first.Length)
            {
                int size = (int)Math.Min(end - at, (ulong)first.Length);
                bool isThere = image.TryRead(section.Address + at, first[..size]);
                Require(isThere == back.TryRead(section.Address + at, second[..size]), "again", $"{section.Section} has bytes in one link only");
                Require(!isThere || first[..size].SequenceEqual(second[..size]), "again", $"{section.Section} differs when linked again");
            }
        }

        if (comparesFiles && image.FileSize < 1 << 17)
        {
            using var one = new MemoryStream();
            using var two = new MemoryStream();
            image.WriteExecutable(one);
            back.WriteExecutable(two);
            Require(one.ToArray().AsSpan().SequenceEqual(two.ToArray()), "again", "the files differ when linked again");
        }
    }

    private void Compare(ElfObject elf, LinkedImage image, LinkedImage moved)
    {
        Require(image.Sections.Count == moved.Sections.Count, "moved", "another number of sections");
        for (int i = 0; i < image.Sections.Count; i++)
        {
            if (moved.Sections[i].Address - image.Sections[i].Address != Distance)
            {
                // With an alignment beyond the distance the parts move by different distances.
                Require(LargestAlignment(elf) > Distance, "moved", $"{image.Sections[i].Section} does not move with the image");
                return;
            }
        }

        CompareSlots(image, moved);
        HashSet<int> kept = [.. image.Sections.Where(section => section.Size > 0).Select(section => section.Index)];
        for (int i = 0; i < image.Sections.Count; i++)
        {
            ImageSection section = image.Sections[i];
            if (section.Size is 0 or > LargestCompared || elf.Sections[section.Index].HasNoBytes || IsRemade(elf, section))
            {
                continue;
            }

            byte[] here = new byte[section.Size];
            byte[] there = new byte[section.Size];
            if (image.TryRead(section.Address, here) && moved.TryRead(moved.Sections[i].Address, there))
            {
                Compare(elf, section, kept, here, there);
            }
        }
    }

    /// <summary>Slots move with the image; an address in one does, too, or is of something that does not move.</summary>
    private static void CompareSlots(LinkedImage image, LinkedImage moved)
    {
        Require(image.Got.Count == moved.Got.Count, "moved", "another number of slots");
        for (int i = 0; i < image.Got.Count; i++)
        {
            ImageGotSlot here = image.Got[i];
            ImageGotSlot there = moved.Got[i];
            Require(here with { Address = there.Address, Value = there.Value } == there, "moved", $"the slots of '{here.Symbol}' and '{there.Symbol}'");
            Require(there.Address - here.Address is Distance, "moved", $"the slot of '{here.Symbol}' does not move with the image");
            Require(
                here.Kind is not "address" || (there.Value - here.Value) is 0 or Distance,
                "moved",
                $"the slot of '{here.Symbol}' holds 0x{here.Value:x}, and 0x{there.Value:x} after the move");
        }
    }

    private static ulong LargestAlignment(ElfObject elf)
    {
        ulong largest = 0;
        foreach (ref readonly SectionHeader header in elf.Sections)
        {
            largest = Math.Max(largest, header.Alignment);
        }

        for (int i = 0; i < elf.SymbolCount; i++)
        {
            // The value of a common symbol is its alignment (gABI, "Symbol Values").
            SymbolRecord symbol = elf.Symbol(i);
            largest = symbol.Place is SymbolPlace.Common ? Math.Max(largest, symbol.Value) : largest;
        }

        return largest;
    }

    /// <summary>Tables that the linker sorts, turns round, or rewrites as a whole.</summary>
    private static bool IsRemade(ElfObject elf, ImageSection section) =>
        section.Section.StartsWith(".ctors", StringComparison.Ordinal)
        || section.Section.StartsWith(".dtors", StringComparison.Ordinal)
        || elf.Sections[section.Index].Type is SHT_ARM_EXIDX;

    private void Compare(ElfObject elf, ImageSection section, HashSet<int> kept, byte[] here, byte[] there)
    {
        Architecture architecture = elf.Machine is EM_ARM ? Arm.Default : X64.Instance;
        byte[] owners = new byte[here.Length];
        foreach (ref readonly RelocationSection relocations in elf.RelocationSections)
        {
            if (relocations.Target != section.Index)
            {
                continue;
            }

            foreach (RelocationRecord record in elf.Relocations(relocations))
            {
                Mark(owners, record, architecture.Relocations[record.Type]);
            }
        }

        for (int i = 0; i < here.Length; i++)
        {
            Require(here[i] == there[i] || owners[i] > 0, "moved", $"{section.Section}+0x{i:x} changes without a relocation");
        }

        foreach (ref readonly RelocationSection relocations in elf.RelocationSections)
        {
            if (relocations.Target != section.Index)
            {
                continue;
            }

            foreach (RelocationRecord record in elf.Relocations(relocations))
            {
                if (architecture.Relocations[record.Type] is { MayRelax: false, Use: RelocationUse.Static, Field.Size: > 0 } rule
                    && owners.AsSpan((int)record.Offset, rule.Field.Size).IndexOfAnyExcept((byte)1) < 0)
                {
                    Foretell(elf, section, architecture, rule, record, kept, here, there);
                }
            }
        }
    }

    private static void Mark(byte[] owners, RelocationRecord record, RelocationRule? rule)
    {
        if (rule is null)
        {
            return;
        }

        bool isRewritten = rule.MayRelax || rule.CallsTlsDescriptor || rule.Slot is GotSlot.TlsDescriptor;
        long start = (long)record.Offset - (isRewritten ? RewrittenBefore : 0);
        long end = (long)record.Offset + rule.Field.Size + (isRewritten ? RewrittenAfter : 0);
        for (long i = Math.Max(0, start); i < Math.Min(owners.Length, end); i++)
        {
            owners[i] = (byte)Math.Min(255, owners[i] + (isRewritten ? 2 : 1));
        }
    }

    private void Foretell(
        ElfObject elf,
        ImageSection section,
        Architecture architecture,
        RelocationRule rule,
        RelocationRecord record,
        HashSet<int> kept,
        byte[] here,
        byte[] there)
    {
        SymbolRecord symbol = elf.Symbol((int)record.Symbol);
        bool isKnown = symbol.Place switch
        {
            SymbolPlace.Section => kept.Contains(symbol.Section) && symbol.Binding is SymbolBinding.Local,
            SymbolPlace.Absolute => symbol.Binding is SymbolBinding.Local && !rule.Expression.UsesStaticBase && !rule.Expression.IsPcRelative,
            _ => record.Symbol is 0 && !rule.Expression.UsesStaticBase && !rule.Expression.IsPcRelative,
        };
        if (!isKnown && (rule.Expression.UsesSymbol || rule.Expression.UsesStaticBase)) // the base is the symbol's segment's
        {
            return;
        }

        if (rule.Slot is GotSlot.TlsIndex or GotSlot.TlsModule or GotSlot.TpOffset or GotSlot.TlsDescriptor
            || symbol.Type is SymbolType.GnuIfunc)
        {
            return; // rewritten by rules of their own
        }

        bool moves = symbol.Place is SymbolPlace.Section;
        ulong s = moves ? Distance : 0;
        var before = new Operands { S = 0x1_0000, L = 0x1_0000, P = 0x2_0000, Got = 0x3_0000, G = 16, B = 0x4_0000, Tp = 0x5_0000, TlsBlock = 0x6_0000, Z = 8 };
        Operands after = before with
        {
            S = before.S + s,
            L = before.L + s,
            P = before.P + Distance,
            Got = before.Got + Distance,
            B = before.B + Distance,
            Tp = before.Tp + Distance,
            TlsBlock = before.TlsBlock + Distance,
        };
        RelocationTable table = architecture.Relocations;
        long change = table.Evaluate(rule, after) - table.Evaluate(rule, before);
        ReadOnlySpan<byte> old = here.AsSpan((int)record.Offset);
        ReadOnlySpan<byte> now = there.AsSpan((int)record.Offset);
        if (change is 0)
        {
            Foretold++;
            Require(
                old[..rule.Field.Size].SequenceEqual(now[..rule.Field.Size]),
                $"moved {rule.Name}",
                $"{section.Section}+0x{record.Offset:x}: {rule.Name} changes, and its value does not");
            return;
        }

        if (rule.Form is not null || rule.Overflow is Overflow.Encodable || rule.IsBranch)
        {
            return;
        }

        Foretold++;
        int spare = 63 - rule.Field.HighBit;
        long expected = (rule.Field.Read(old) + change) >> rule.Field.LowBit << rule.Field.LowBit << spare;
        long found = rule.Field.Read(now) >> rule.Field.LowBit << rule.Field.LowBit << spare;
        Require(
            expected == found,
            $"moved {rule.Name}",
            $"{section.Section}+0x{record.Offset:x}: {rule.Name} holds 0x{rule.Field.Read(old):x}, and 0x{rule.Field.Read(now):x} after a move that changes its value by 0x{change:x}");
    }

    private static void Require(bool isTrue, string kind, string what)
    {
        if (!isTrue)
        {
            throw new FindingException(kind, what);
        }
    }
}
