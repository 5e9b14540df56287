using System.Numerics;
using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Relocations;

namespace ElfLoader.Images;

/// <summary>Sections that are not loaded, but copied into an image for debuggers.</summary>
internal sealed class DebugSections
{
    /// <summary>What is not loaded has no use for more.</summary>
    private const ulong MaximumAlignment = 4096;

    private static readonly string[] Dropped = [".note.GNU-stack", ".comment", ".ARM.attributes"];

    private static readonly string[] DroppedPrefixes = [".gnu.warning.", ".gnu.glibc-stub.", ".llvm", ".rel"];

    private readonly RelocationContext _context;

    internal DebugSections(RelocationContext context) => _context = context;

    /// <summary>Whether a section that is not loaded goes into the image.</summary>
    internal static bool IsCopied(ElfObject elf, int section)
    {
        SectionHeader header = elf.Sections[section];
        if (header.Type is not (ElfConstants.SHT_PROGBITS or ElfConstants.SHT_NOTE)
            || header.Has(ElfConstants.SHF_ALLOC | ElfConstants.SHF_EXCLUDE))
        {
            return false;
        }

        string name = elf.SectionNameText(section);
        return !Dropped.Contains(name)
            && !Array.Exists(DroppedPrefixes, prefix => name.StartsWith(prefix, StringComparison.Ordinal));
    }

    /// <summary>Alignment of a section's bytes once decompressed.</summary>
    internal static ulong AlignmentOf(ElfObject elf, int section)
    {
        ulong alignment = elf.Compression(section)?.Alignment ?? elf.Sections[section].Alignment;
        return BitOperations.IsPow2(alignment) && alignment <= MaximumAlignment ? alignment : 1;
    }

    /// <summary>Applies the relocations of one object's debugging information.</summary>
    internal void Relocate(LinkObject file)
    {
        foreach (ref readonly RelocationSection section in file.Elf.RelocationSections)
        {
            if (file.Sections[section.Target].Fate is SectionFate.NotLoaded && IsCopied(file.Elf, section.Target))
            {
                Relocate(file, section);
            }
        }
    }

    private void Relocate(LinkObject file, in RelocationSection section)
    {
        ref readonly SectionPlace place = ref file.Sections[section.Target];
        Span<byte> bytes = _context.Memory.Block(place.Block);
        bool isImplicit = LinkRules.HasImplicitAddend(section);
        string name = file.Elf.SectionNameText(section.Target);

        // What describes code that was dropped says address 0. In lists of ranges that would end the list: there it is 1.
        long tombstone = name is ".debug_ranges" or ".debug_loc" ? 1 : 0;
        foreach (RelocationRecord record in file.Elf.Relocations(section))
        {
            RelocationRule? rule = _context.Rules[record.Type];
            if (rule is null || rule.Use is RelocationUse.Dynamic or RelocationUse.Refused
                || record.Offset > (ulong)bytes.Length || (ulong)rule.Field.Size > (ulong)bytes.Length - record.Offset)
            {
                _context.Errors.Add(
                    LinkErrorCode.Malformed,
                    file.At(section.Target, record.Offset, (int)record.Symbol),
                    rule is null || rule.Use is RelocationUse.Dynamic or RelocationUse.Refused
                        ? $"relocation type {record.Type} has no meaning here"
                        : $"{rule.Name} lies outside of the section");
                continue;
            }

            if (rule.Use is RelocationUse.Marker)
            {
                continue;
            }

            Span<byte> field = bytes[(int)record.Offset..];
            long addend = isImplicit ? rule.ReadAddend(field) : record.Addend;
            Apply(file, section, record, rule, field, addend, tombstone);
        }
    }

    private void Apply(
        LinkObject file,
        in RelocationSection section,
        in RelocationRecord record,
        RelocationRule rule,
        Span<byte> field,
        long addend,
        long tombstone)
    {
        int symbol = (int)record.Symbol;
        if (ValueOf(file, symbol) is not { } value)
        {
            rule.Field.Write(field, tombstone);
            return;
        }

        var operands = new Operands
        {
            S = value,
            L = value,
            A = addend,
            P = file.Sections[section.Target].Address + record.Offset,
            T = file.Symbols[symbol].Is(SymbolTraits.Thumb) ? _context.Rules.Architecture.ThumbBit : 0,
            Z = file.Elf.Symbol(symbol).Size,
            Tp = _context.Tls.ThreadPointer,
            TlsBlock = _context.Tls.Base,
        };
        RelocationOutcome outcome =
            _context.Rules.Architecture.Relocations.Apply(rule, field, operands, out long result);
        if (outcome is not RelocationOutcome.Applied)
        {
            _context.Errors.Add(new LinkError(
                LinkErrorCode.OutOfRange,
                file.At(section.Target, record.Offset, symbol),
                $"{rule.Name} against '{file.DescribeSymbol(symbol)}': value 0x{result:x} does not fit")
            {
                Relocation = rule.Name,
                Value = result,
                Allowed = (rule.Minimum, rule.Maximum),
            });
        }
    }

    /// <summary>The value of a symbol, sections that are not loaded counting from 0; null if what it stands for was dropped.</summary>
    private static ulong? ValueOf(LinkObject file, int symbol)
    {
        ref readonly BoundSymbol bound = ref file.Symbols[symbol];
        if (!bound.Is(SymbolTraits.Discarded))
        {
            return bound.Is(SymbolTraits.Missing) ? null : bound.Value;
        }

        SymbolRecord record = file.Elf.Symbol(symbol);
        return record.Place is SymbolPlace.Section
            && file.Sections[record.Section].Fate is SectionFate.NotLoaded && IsCopied(file.Elf, record.Section)
            ? file.SymbolBase(record.Section) + record.Value
            : null;
    }
}
