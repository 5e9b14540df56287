using System.IO.Compression;
using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Sections that are not loaded, but copied into an image for debuggers.</summary>
internal sealed class DebugSections
{
    private static readonly string[] Dropped = [".note.GNU-stack", ".comment", ".ARM.attributes"];

    private static readonly string[] DroppedPrefixes = [".gnu.warning.", ".gnu.glibc-stub.", ".llvm", ".rel"];

    private readonly RelocationContext _context;

    internal DebugSections(RelocationContext context) => _context = context;

    /// <summary>Whether a section that is not loaded goes into the image.</summary>
    internal static bool IsCopied(ElfObject elf, int section)
    {
        SectionHeader header = elf.Sections[section];
        string name = elf.SectionNameText(section);
        return header.Type is ElfConstants.SHT_PROGBITS or ElfConstants.SHT_NOTE
            && !header.Has(ElfConstants.SHF_ALLOC | ElfConstants.SHF_EXCLUDE)
            && !Dropped.Contains(name)
            && !Array.Exists(DroppedPrefixes, prefix => name.StartsWith(prefix, StringComparison.Ordinal));
    }

    /// <summary>A copy of a section's bytes, decompressed (gABI, "Section Compression").</summary>
    /// <exception cref="LinkException">They cannot be decompressed.</exception>
    internal static byte[] BytesOf(ElfObject elf, int section)
    {
        ReadOnlyMemory<byte> bytes = elf.SectionMemory(section);
        if (!elf.Sections[section].Has(ElfConstants.SHF_COMPRESSED))
        {
            return bytes.ToArray();
        }

        (uint type, ulong size, _) = CompressionHeader(elf, section);
        if (type is not ElfConstants.ELFCOMPRESS_ZLIB)
        {
            throw Error(LinkErrorCode.Unsupported, $"compression type {type} is not supported: only zlib (1) is");
        }

        if (size > elf.Limits.MaximumDecompressedSize || size > int.MaxValue)
        {
            throw Error(
                LinkErrorCode.LimitExceeded,
                $"{size} bytes decompressed are more than the limit of {elf.Limits.MaximumDecompressedSize}");
        }

        using var stream = new ZLibStream(
            new MemoryStream(bytes[(elf.Is64Bit ? Elf64.CompressionHeaderSize : Elf32.CompressionHeaderSize)..].ToArray()),
            CompressionMode.Decompress);
        var result = new MemoryStream();
        try
        {
            byte[] buffer = new byte[64 * 1024]; // grows with what is there, not with what the header claims
            int count;
            while ((count = stream.Read(buffer)) > 0 && (ulong)result.Length <= size)
            {
                result.Write(buffer, 0, count);
            }
        }
        catch (InvalidDataException exception)
        {
            throw Error(LinkErrorCode.Malformed, $"the section cannot be decompressed: {exception.Message}");
        }

        return (ulong)result.Length == size
            ? result.ToArray()
            : throw Error(LinkErrorCode.Malformed, $"the section decompresses to another size than the {size} bytes it states");

        LinkException Error(LinkErrorCode code, string message) =>
            new(code, new LinkLocation(elf.Name, elf.SectionNameText(section)), message);
    }

    /// <summary>Alignment of a section's bytes once decompressed.</summary>
    internal static ulong AlignmentOf(ElfObject elf, int section) =>
        elf.Sections[section].Has(ElfConstants.SHF_COMPRESSED)
            ? CompressionHeader(elf, section).Alignment is var alignment && System.Numerics.BitOperations.IsPow2(alignment) && alignment <= 4096
                ? alignment
                : 1
            : elf.Sections[section].Alignment;

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

    private static (uint Type, ulong Size, ulong Alignment) CompressionHeader(ElfObject elf, int section)
    {
        FieldReader fields = new(elf.SectionBytes(section));
        uint type = fields.U32();
        if (elf.Is64Bit)
        {
            _ = fields.U32();
            return (type, fields.U64(), fields.U64());
        }

        return (type, fields.U32(), fields.U32());
    }

    private void Relocate(LinkObject file, in RelocationSection section)
    {
        ref readonly SectionPlace place = ref file.Sections[section.Target];
        Span<byte> bytes = ((ImageMemory)_context.Memory).Piece(place.Block).Bytes;
        bool isImplicit = LinkRules.HasImplicitAddend(section);
        string name = file.Elf.SectionNameText(section.Target);

        // What describes code that was dropped says address 0. In lists of ranges that would end the list: there it is 1.
        long tombstone = name is ".debug_ranges" or ".debug_loc" ? 1 : 0;
        foreach (RelocationRecord record in file.Elf.Relocations(section))
        {
            RelocationRule? rule = _context.Rules[record.Type];
            if (rule is null || rule.Use is RelocationUse.Dynamic
                || record.Offset > (ulong)bytes.Length || (ulong)rule.Field.Size > (ulong)bytes.Length - record.Offset)
            {
                _context.Errors.Add(
                    LinkErrorCode.Malformed,
                    file.At(section.Target, record.Offset, (int)record.Symbol),
                    rule is null || rule.Use is RelocationUse.Dynamic
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
            T = file.Symbols[symbol].Is(SymbolTraits.Thumb) ? 1UL : 0,
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
            ? file.Sections[record.Section].SymbolBase + record.Value
            : null;
    }
}
