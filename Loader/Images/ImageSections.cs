using ElfLoader.Elf;
using ElfLoader.Elf.Unwind;
using ElfLoader.Images.Arm;
using ElfLoader.Linking;
using ElfLoader.Relocations;

namespace ElfLoader.Images;

/// <summary>
/// Sorts input sections into the image's sections: one for each name and kind, the inputs in order; sections whose
/// addresses the caller gives are sections of their own.
/// </summary>
internal sealed partial class ImageSections
{
    /// <summary>A record of length zero ends the unwind tables (LSB, "The .eh_frame section").</summary>
    private const int UnwindTerminator = 4;

    private readonly ImageMachine _machine;
    private readonly SymbolResolution _resolution;
    private readonly ImageMappings _mappings;
    private readonly LinkErrors _errors;
    private readonly Dictionary<(string Name, ImageZone Zone, bool IsZero), ImageOutput> _byName = [];
    private readonly List<ImageOutput> _outputs = [];
    private readonly List<(int Symbol, ImagePiece Piece)> _commons = [];
    private readonly List<CtorsArray> _legacyArrays = [];

    internal ImageSections(
        ImageMachine machine, SymbolResolution resolution, ImageMappings mappings, ImageMemory memory, LinkErrors errors)
    {
        _machine = machine;
        _resolution = resolution;
        _mappings = mappings;
        Memory = memory;
        _errors = errors;
    }

    /// <summary>The bytes.</summary>
    internal ImageMemory Memory { get; }

    /// <summary>The image's sections, those that are not loaded included.</summary>
    internal IReadOnlyList<ImageOutput> Outputs => _outputs;

    /// <summary>Common symbols, with their room.</summary>
    internal IReadOnlyList<(int Symbol, ImagePiece Piece)> Commons => _commons;

    /// <summary>Functions of <c>.ctors</c> and <c>.dtors</c> sections, as newer programs have them.</summary>
    internal IReadOnlyList<CtorsArray> LegacyArrays => _legacyArrays;

    /// <summary>The code of stubs of symbols that a function picks at run time; null where there are none.</summary>
    internal ImagePiece? Stubs { get; private set; }

    /// <summary>The words that these stubs jump through; null where there are none.</summary>
    internal ImagePiece? StubSlots { get; private set; }

    /// <summary>Functions for thread-local storage; null where nothing needs them.</summary>
    internal ImagePiece? TlsCode { get; private set; }

    /// <summary>The function that <see cref="RelocationRule.CallsTlsDescriptor"/> calls; null where nothing does.</summary>
    internal ImagePiece? TlsCall { get; private set; }

    /// <summary>The relocations that the program applies to itself; null where there are none.</summary>
    internal ImagePiece? Irelative { get; private set; }

    /// <summary>The index of the unwind tables; null where there are none.</summary>
    internal ImagePiece? UnwindIndex { get; private set; }

    /// <summary>The unwind tables that it is of.</summary>
    internal ImageOutput? Unwind { get; private set; }

    /// <summary>The index of the unwind tables of Arm; null where there is none.</summary>
    internal ExidxTable? Exidx { get; private set; }

    /// <summary>
    /// What fills the last page of the data that is read-only after relocation; its size is known once that has addresses. Null
    /// where there is no such data.
    /// </summary>
    internal ImagePiece? RelroPadding { get; private set; }

    /// <summary>Name of the section for relocations that the program applies to itself.</summary>
    internal static string IrelativeName(ImageMachine machine) => machine.HasAddends ? ".rela.iplt" : ".rel.iplt";

    /// <summary>Collects the objects' sections. Nothing else of the link is changed but that these know their blocks.</summary>
    /// <param name="order">The objects, in the order of the command line.</param>
    internal void CollectInputs(IReadOnlyList<LinkObject> order)
    {
        AddNote(PropertyNote.Merge(_machine, order));
        foreach (LinkObject file in order)
        {
            for (int i = 1; i < file.Sections.Length; i++)
            {
                if (file.IsKept(i))
                {
                    AddInput(file, i);
                }
                else if (file.Sections[i].Fate is SectionFate.NotLoaded && DebugSections.IsCopied(file.Elf, i))
                {
                    AddDebug(file, i);
                }
            }
        }
    }

    /// <summary>Adds what the linker makes.</summary>
    /// <param name="order">The objects, in the order of the command line.</param>
    /// <param name="stubs">The stubs of symbols that a function picks at run time.</param>
    /// <param name="usesTlsCode">Whether <c>__tls_get_addr</c> is the linker's.</param>
    /// <param name="origin">Whose the global offset tables are.</param>
    internal void CollectOwn(IReadOnlyList<LinkObject> order, StubTable stubs, bool usesTlsCode, GotOrigin origin)
    {
        AddCommons();
        if (origin is GotOrigin.Image)
        {
            AddSharedGot(order);
        }
        else
        {
            AddGots(order);
        }

        AddStubs(stubs);
        AddTlsCode(order, usesTlsCode);
        FinishUnwind();
        Exidx = ExidxTable.Complete(_outputs);
        AddAttributes();
        AddRelroPadding();
        foreach (ImageOutput output in _outputs)
        {
            Order(output);
        }
    }

    /// <summary>Adds code that the linker has made.</summary>
    internal void AddCode(ImagePiece piece) =>
        OutputOf(
            ".text",
            ImageZone.Code,
            ElfConstants.SHT_PROGBITS,
            ElfConstants.SHF_ALLOC | ElfConstants.SHF_EXECINSTR,
            null).Add(piece);

    private void AddInput(LinkObject file, int index)
    {
        SectionHeader header = file.Elf.Sections[index];
        ReadOnlySpan<byte> name = file.Elf.SectionName(index);
        ImageZone zone = OutputNames.ZoneOf(name, header);
        bool isUnwind = file.Sections[index].Role is SectionRole.Unwind;
        string outputName = OutputNames.Of(name, header);
        var piece = new ImagePiece
        {
            File = file,
            Section = index,
            Size = header.Size,
            Alignment = isUnwind ? 1 : Math.Max(header.Alignment, 1),
            Order = isUnwind ? UnwindOrder(file, index) : FunctionArrays.OrderOf(name, header.Type),
        };
        ulong? address = _mappings.Any ? _mappings.Find(file, index, file.Elf.SectionNameText(index)) : null;
        ImageOutput output = OutputOf(outputName, zone, header.Type, header.Flags, address);
        output.EntrySize = output.Pieces.Count is 0 || output.EntrySize == header.EntrySize ? header.EntrySize : 0;
        output.Add(piece);
        Register(piece);
        if (CtorsArray.Make(_machine, piece) is { } array)
        {
            OutputOf(array.Name, ImageZone.Relro, array.Type, ElfConstants.SHF_ALLOC | ElfConstants.SHF_WRITE, null)
                .Add(array.Piece);
            _legacyArrays.Add(array);
        }
    }

    /// <summary>A piece that is only a terminator would hide all that comes after it.</summary>
    private static int UnwindOrder(LinkObject file, int index)
    {
        ReadOnlySpan<byte> bytes = file.Elf.SectionBytes(index);
        return bytes.Length is UnwindTerminator && !bytes.ContainsAnyExcept((byte)0) ? 1 : 0;
    }

    private void AddDebug(LinkObject file, int index)
    {
        byte[] bytes = file.Elf.Decompress(index);
        SectionHeader header = file.Elf.Sections[index];
        ImageOutput output = OutputOf(file.Elf.SectionNameText(index), ImageZone.File, header.Type, header.Flags, null);
        var piece = new ImagePiece
        {
            File = file,
            Section = index,
            Size = (ulong)bytes.Length,
            Alignment = Math.Max(DebugSections.AlignmentOf(file.Elf, index), 1),
            Bytes = bytes,
        };
        output.Add(piece);
        Register(piece);
    }

    private void Register(ImagePiece piece)
    {
        ref SectionPlace place = ref piece.File!.Sections[piece.Section];
        place.Block = Memory.Add(piece);
    }

    private ImageOutput OutputOf(string name, ImageZone zone, uint type, ulong flags, ulong? address)
    {
        const ulong kept = ElfConstants.SHF_WRITE | ElfConstants.SHF_ALLOC | ElfConstants.SHF_EXECINSTR
            | ElfConstants.SHF_TLS | ElfConstants.SHF_X86_64_LARGE;
        flags &= kept;
        bool isZero = type is ElfConstants.SHT_NOBITS && !OutputNames.IsIdentifier(name);
        ImageOutput? output = null;
        if (address is not null || !_byName.TryGetValue((name, zone, isZero), out output))
        {
            output = new ImageOutput(name, zone, type, flags) { FixedAddress = address };
            _outputs.Add(output);
            if (address is null)
            {
                _byName.Add((name, zone, isZero), output);
            }
        }

        output.Flags |= flags;
        if (output.Type != type)
        {
            output.Type = ElfConstants.SHT_PROGBITS;
        }

        return output;
    }

    private void AddCommons()
    {
        for (int next = 0; _resolution.TryNextCommon(ref next, _errors, out ulong alignment);)
        {
            int index = next - 1;
            ref LinkSymbol symbol = ref _resolution.Symbols[index];
            LinkObject file = _resolution.Objects[symbol.Definer];
            bool isLarge = file.Elf.Symbol(symbol.DefinerSymbol).Place is SymbolPlace.LargeCommon;
            bool isTls = (symbol.Traits & SymbolTraits.Tls) != 0;
            ulong flags = ElfConstants.SHF_ALLOC | ElfConstants.SHF_WRITE | (isTls ? ElfConstants.SHF_TLS : 0)
                | (isLarge ? ElfConstants.SHF_X86_64_LARGE : 0);
            ImageOutput output = OutputOf(
                isTls ? ".tbss" : isLarge ? ".lbss" : ".bss",
                isTls ? ImageZone.Relro : isLarge ? ImageZone.LargeData : ImageZone.Data,
                ElfConstants.SHT_NOBITS,
                flags,
                null);
            var piece = new ImagePiece { File = file, Size = symbol.Size, Alignment = alignment };
            output.Add(piece);
            _commons.Add((index, piece));
        }
    }

    private void AddNote(byte[]? properties)
    {
        if (properties is not null)
        {
            ImagePiece note = Make(
                ".note.gnu.property", ImageZone.ReadOnly, ElfConstants.SHT_NOTE, 0, properties.Length, _machine.WordSize);
            note.Bytes = properties;
        }
    }

    private void AddAttributes()
    {
        if (_machine.Attributes?.ToSection() is { Length: > 0 } attributes)
        {
            OutputOf(".ARM.attributes", ImageZone.File, ElfConstants.SHT_ARM_ATTRIBUTES, 0, null)
                .Add(new ImagePiece { Size = (ulong)attributes.Length, Bytes = attributes });
        }
    }

    /// <summary>
    /// The C library rounds the end of PT_GNU_RELRO down to a page, and protects what lies before it with one call, which
    /// fails where a page is not mapped: segment and protection end together, at the end of a page.
    /// </summary>
    private void AddRelroPadding()
    {
        if (_outputs.Exists(output => output is { Zone: ImageZone.Relro, FixedAddress: null }))
        {
            RelroPadding = new ImagePiece { Size = 0 };
            OutputOf(
                ".relro_padding", ImageZone.Relro, ElfConstants.SHT_NOBITS, ElfConstants.SHF_ALLOC | ElfConstants.SHF_WRITE, null)
                .Add(RelroPadding);
        }
    }

    private void AddTlsCode(IReadOnlyList<LinkObject> order, bool usesTlsCode)
    {
        bool usesDescriptors = order.Any(file => file.Got.Has(GotSlot.TlsDescriptor));
        if (_machine.TlsCode is { } code && (usesTlsCode || usesDescriptors))
        {
            TlsCode = new ImagePiece { Size = (ulong)code.Size, Alignment = 16, Bytes = new byte[code.Size] };
            AddCode(TlsCode);
            if (usesDescriptors && _machine.Rules.Architecture.TlsCall is { } call)
            {
                TlsCall = new ImagePiece { Size = (ulong)call.Size, Alignment = (ulong)call.Alignment, Bytes = new byte[call.Size] };
                AddCode(TlsCall);
            }
        }
    }

    private void AddStubs(StubTable stubs)
    {
        StubShape shape = _machine.Rules.Architecture.Stub;
        for (int i = 0; i < stubs.Count; i++)
        {
            ref Stub stub = ref stubs.All[i];
            stub.Offset = (ulong)(shape.Size * i);
            stub.SlotOffset = (ulong)(_machine.WordSize * i);
        }

        if (stubs.Count > 0)
        {
            Stubs = Make(
                ".iplt",
                ImageZone.Code,
                ElfConstants.SHT_PROGBITS,
                ElfConstants.SHF_EXECINSTR,
                shape.Size * stubs.Count,
                shape.Alignment);
            StubSlots = Make(
                ".got.plt",
                ImageZone.Relro,
                ElfConstants.SHT_PROGBITS,
                ElfConstants.SHF_WRITE,
                _machine.WordSize * stubs.Count,
                _machine.WordSize);
            int size = (_machine.HasAddends ? 3 : 2) * _machine.WordSize;
            Irelative = Make(
                IrelativeName(_machine),
                ImageZone.ReadOnly,
                _machine.HasAddends ? ElfConstants.SHT_RELA : ElfConstants.SHT_REL,
                0,
                size * stubs.Count,
                _machine.WordSize);
            Irelative.Output.EntrySize = (ulong)size;
        }
    }

    private void FinishUnwind()
    {
        if (!_byName.TryGetValue((".eh_frame", ImageZone.ReadOnly, false), out ImageOutput? unwind))
        {
            return;
        }

        Unwind = unwind;
        unwind.Alignment = (ulong)_machine.WordSize;
        if (!unwind.Pieces.Any(piece => piece.Order > 0))
        {
            unwind.Add(new ImagePiece { Size = UnwindTerminator, Bytes = new byte[UnwindTerminator], Order = 1 });
        }

        int count = 0;
        foreach (ImagePiece piece in unwind.Pieces)
        {
            count += piece.File is null ? 0 : EhFrame.CountDescriptions(piece.File.Elf.SectionBytes(piece.Section));
        }

        UnwindIndex = Make(
            ".eh_frame_hdr",
            ImageZone.ReadOnly,
            ElfConstants.SHT_PROGBITS,
            0,
            EhFrameIndex.HeaderSize + (count * EhFrameIndex.EntrySize),
            sizeof(uint));
    }

    private ImagePiece Make(string name, ImageZone zone, uint type, ulong flags, int size, int alignment)
    {
        var piece = new ImagePiece { Size = (ulong)size, Alignment = (ulong)alignment, Bytes = new byte[size] };
        OutputOf(name, zone, type, flags | ElfConstants.SHF_ALLOC, null).Add(piece);
        return piece;
    }

    private static void Order(ImageOutput output)
    {
        if (output.Pieces.Any(piece => piece.Order is not 0))
        {
            output.Sort(piece => (ulong)piece.Order);
        }
    }
}
