using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Memory;
using ElfLoader.Relocations;
using ElfLoader.Runtime;

namespace ElfLoader.Loading;

/// <summary>
/// Lays a unit out for this process: offsets in four blocks (code, read-only, read-only after relocation, data), whose
/// addresses are known once memory has been allocated for their sizes.
/// </summary>
internal sealed partial class UnitLayout
{
    private const int Code = (int)MemoryZone.Code;
    private const int ReadOnly = (int)MemoryZone.ReadOnly;
    private const int Relro = (int)MemoryZone.Relro;
    private const int Data = (int)MemoryZone.Data;

    /// <summary>Code and GOTs of different objects do not share a 16-byte line of instruction fetch.</summary>
    private const int GotAlignment = 16;

    private readonly SymbolResolution _resolution;
    private readonly LinkErrors _errors;
    private readonly LinkBlock[] _blocks = new LinkBlock[(int)MemoryZone.Data + 1];
    private LinkBlock _unwind; // a part of the read-only block

    internal UnitLayout(SymbolResolution resolution, LinkErrors errors)
    {
        _resolution = resolution;
        _errors = errors;
        Header = new UnitHeader(this, resolution);
    }

    /// <summary>The blocks, in the order of <see cref="MemoryZone"/>.</summary>
    internal Span<LinkBlock> Blocks => _blocks;

    /// <summary>The thread-local storage.</summary>
    internal TlsTemplate Tls { get; } = new();

    /// <summary>The ELF header, if there is to be one.</summary>
    internal UnitHeader Header { get; }

    /// <summary>Whether zero-initialized variables lie behind all others.</summary>
    internal bool HasZerosLast { get; set; }

    /// <summary>Bytes of the data block that may have initial values: with <see cref="HasZerosLast"/>, the rest is zero.</summary>
    internal ulong InitializedSize { get; private set; }

    /// <summary>Offset of the unwind tables in the read-only block.</summary>
    internal ulong UnwindOffset { get; private set; }

    /// <summary>The function that the <c>.init</c> fragments make; null where there is no fragment.</summary>
    internal FragmentFunction? Init { get; private set; }

    /// <summary>The function that the <c>.fini</c> fragments make; null where there is no fragment.</summary>
    internal FragmentFunction? Fini { get; private set; }

    /// <summary>Offset in the read-only block of the first record of the unwind tables.</summary>
    internal ulong UnwindStart { get; set; }

    /// <summary>Bytes of unwind tables, without the terminator; 0 if there are none.</summary>
    internal ulong UnwindSize => _unwind.Size;

    /// <summary>Offset in the code block of what the unit itself adds: thunks, and the trap for missing symbols.</summary>
    internal ulong ExtraCodeOffset { get; private set; }

    /// <summary>Offset in the data block of what ties registrations to the unit.</summary>
    internal ulong LifetimeOffset { get; private set; }

    /// <summary>Offset in the read-only-after-relocation block of the list of functions to call at the end.</summary>
    internal ulong TerminatorsOffset { get; private set; }

    /// <summary>Bytes of that list.</summary>
    internal int TerminatorsSize { get; private set; }

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        Array.Clear(_blocks);
        Tls.Clear();
        (Init, Fini) = (null, null);
        _unwind = default;
        UnwindStart = 0;
        HasZerosLast = false;
        Header.Clear();
    }

    /// <summary>Gives everything its offset.</summary>
    /// <param name="gathered">Ranges of sections whose start or end is referred to, by name; null if there are none.</param>
    /// <param name="stubs">The stubs that the scan wanted.</param>
    /// <param name="shape">What a stub takes.</param>
    /// <param name="extraCode">Bytes of code that the unit adds.</param>
    internal void Plan(
        IReadOnlyDictionary<string, SectionRange>? gathered, StubTable stubs, StubShape shape, int extraCode)
    {
        try
        {
            if (Header.IsWanted)
            {
                Header.Place(ref _blocks[ReadOnly], ReadOnly);
            }

            if (gathered is not null)
            {
                PlaceGathered(gathered);
            }

            foreach (LinkObject file in _resolution.Objects)
            {
                PlaceSections(file);
            }

            InitializedSize = _blocks[Data].Size;
            if (HasZerosLast)
            {
                PlaceZeros();
            }

            PlaceFragments();
            PlaceUnwind();
            PlaceTlsImage();
            PlaceCommons();
            PlaceTables(stubs, shape, extraCode);
        }
        catch (OverflowException)
        {
            throw new LinkException(
                LinkErrorCode.LimitExceeded,
                new LinkLocation(""),
                "the sections of all objects together are larger than an address space");
        }
    }

    private bool IsDefined(ReadOnlySpan<byte> name) =>
        _resolution.Symbols.Find(name) is >= 0 and int index && _resolution.Symbols[index].Definer >= 0;

    private void PlaceGathered(IReadOnlyDictionary<string, SectionRange> gathered)
    {
        const ulong writableCode = ElfConstants.SHF_WRITE | ElfConstants.SHF_EXECINSTR;
        foreach (SectionRange range in gathered.Values)
        {
            range.Complete(_resolution.Objects);
            if (range.Sections.Count is 0)
            {
                continue; // no array of functions
            }

            ulong flags = range.Flags;
            (LinkObject first, int section) = range.Sections[0];
            if ((flags & writableCode) == writableCode)
            {
                _errors.Add(
                    LinkErrorCode.Unsupported,
                    new LinkLocation(first.Elf.Name, first.Elf.SectionNameText(section)),
                    "sections of this name lie end to end, and some are writable and others executable");
            }

            int block = BlockOf(first, section, flags);
            foreach ((LinkObject file, int index) in range.Sections)
            {
                Place(ref file.Sections[index], file.Elf.Sections[index], block);
                file.Sections[index].Role = SectionRole.Gathered;
            }
        }
    }

    private void PlaceSections(LinkObject file)
    {
        file.CodeStart = _blocks[Code].Size;
        Span<SectionPlace> places = file.LoadedSections;
        ReadOnlySpan<SectionHeader> headers = file.Elf.SectionsInMemory;
        for (int i = 1; i < places.Length; i++)
        {
            ref SectionPlace place = ref places[i];
            if (place is { Fate: SectionFate.Kept, Role: SectionRole.Ordinary })
            {
                int block = BlockOf(file, i, headers[i].Flags);
                if (!HasZerosLast || block is not Data || headers[i].Type is not ElfConstants.SHT_NOBITS)
                {
                    Place(ref place, headers[i], block);
                }
            }
            else if (place is { Fate: SectionFate.Kept, Role: SectionRole.Unwind })
            {
                // End to end, without padding, which would end the list.
                (place.Block, place.Offset) = (ReadOnly, _unwind.Append(headers[i].Size, 1));
            }
        }
    }

    /// <summary>Places what <see cref="PlaceSections"/> left out.</summary>
    private void PlaceZeros()
    {
        foreach (LinkObject file in _resolution.Objects)
        {
            Span<SectionPlace> places = file.LoadedSections;
            ReadOnlySpan<SectionHeader> headers = file.Elf.SectionsInMemory;
            for (int i = 1; i < places.Length; i++)
            {
                if (places[i] is { Fate: SectionFate.Kept, Role: SectionRole.Ordinary }
                    && headers[i].Type is ElfConstants.SHT_NOBITS && BlockOf(file, i, headers[i].Flags) is Data)
                {
                    Place(ref places[i], headers[i], Data);
                }
            }
        }
    }

    private void Place(ref SectionPlace place, in SectionHeader header, int block)
    {
        place.Block = block;
        place.Offset = _blocks[block].Append(header.Size, header.Alignment);
    }

    private static int BlockOf(LinkObject file, int index, ulong flags)
    {
        if ((flags & ElfConstants.SHF_EXECINSTR) != 0)
        {
            return Code;
        }

        if ((flags & ElfConstants.SHF_WRITE) == 0)
        {
            return ReadOnly;
        }

        return file.Elf.Sections[index].Type
                is ElfConstants.SHT_INIT_ARRAY or ElfConstants.SHT_FINI_ARRAY or ElfConstants.SHT_PREINIT_ARRAY
            || file.Elf.SectionNameStartsWith(index, ".data.rel.ro"u8)
            ? Relro
            : Data;
    }

    private void PlaceFragments()
    {
        ReadOnlySpan<LinkObject> objects = _resolution.ObjectsIfAny(ObjectParts.Fragments);
        if (!objects.IsEmpty)
        {
            Init = new FragmentFunction(SectionRole.Init);
            Init.Place(objects, ref _blocks[Code], Code, IsDefined("_init"u8));
            Fini = new FragmentFunction(SectionRole.Fini);
            Fini.Place(objects, ref _blocks[Code], Code, IsDefined("_fini"u8));
        }
    }

    private void PlaceUnwind()
    {
        const int terminator = 4; // a record of length zero ends the list (LSB, "The .eh_frame section")
        UnwindOffset = _blocks[ReadOnly].Append(UnwindSize, sizeof(ulong));
        if (UnwindSize > int.MaxValue)
        {
            _errors.Add(
                LinkErrorCode.LimitExceeded,
                new LinkLocation(""),
                $"the unwind tables of all objects have {CountText.Of(UnwindSize, "byte")} together, and {int.MaxValue} is the most");
        }

        _ = _blocks[ReadOnly].Append(terminator, 1);
        if (Header.IsWanted)
        {
            Header.PlaceIndex(ref _blocks[ReadOnly]);
        }
    }

    private void PlaceTlsImage()
    {
        foreach (SectionRole role in (ReadOnlySpan<SectionRole>)[SectionRole.TlsData, SectionRole.TlsZero])
        {
            foreach (LinkObject file in _resolution.ObjectsIfAny(ObjectParts.Tls))
            {
                if ((file.Parts & ObjectParts.Tls) == 0)
                {
                    continue;
                }

                Span<SectionPlace> places = file.LoadedSections;
                for (int i = 1; i < places.Length; i++)
                {
                    if (places[i].Fate is SectionFate.Kept && places[i].Role == role)
                    {
                        ref readonly SectionHeader header = ref file.Elf.Sections[i];
                        places[i].Block = Relro;
                        places[i].Offset = role is SectionRole.TlsData
                            ? Tls.AppendImage(header.Size, header.Alignment)
                            : Tls.AppendZero(header.Size, header.Alignment);
                    }
                }
            }
        }

        Tls.ImageOffset = _blocks[Relro].Append(Tls.ImageSize, Tls.Alignment);
        foreach (LinkObject file in _resolution.ObjectsIfAny(ObjectParts.Tls))
        {
            if ((file.Parts & ObjectParts.Tls) == 0)
            {
                continue;
            }

            foreach (ref SectionPlace place in file.LoadedSections)
            {
                if (place is { Fate: SectionFate.Kept, Role: SectionRole.TlsData })
                {
                    place.Offset += Tls.ImageOffset;
                }
            }
        }
    }

    private void PlaceCommons()
    {
        for (int next = 0; _resolution.TryNextCommon(ref next, _errors, out ulong alignment);)
        {
            int index = next - 1;
            ref LinkSymbol symbol = ref _resolution.Symbols[index];
            symbol.Value = (symbol.Traits & SymbolTraits.Tls) != 0
                ? Tls.AppendZero(symbol.Size, alignment)
                : _blocks[Data].Append(symbol.Size, alignment);
        }
    }

    private void PlaceTables(StubTable stubs, StubShape shape, int extraCode)
    {
        LifetimeOffset = _blocks[Data].Append(UnitServices.DataSize, UnitLifetime.Alignment);
        TerminatorsSize = UnitFinalizer.TerminatorArraySize(InitializerLists.CountTerminators(_resolution.ObjectsIfAny(ObjectParts.FunctionArrays)));
        TerminatorsOffset = _blocks[Relro].Append((ulong)TerminatorsSize, sizeof(ulong));
        foreach (LinkObject file in _resolution.ObjectsIfAny(ObjectParts.Got))
        {
            if (file.UsesGot)
            {
                file.Got.Block = Relro;
                file.Got.BlockOffset = _blocks[Relro].Append((ulong)file.Got.Size, GotAlignment);
            }
        }

        foreach (ref Stub stub in stubs.All)
        {
            stub.Offset = _blocks[Code].Append((ulong)shape.Size, (ulong)shape.Alignment);
            stub.SlotOffset = _blocks[Relro].Append(sizeof(ulong), sizeof(ulong));
        }

        ExtraCodeOffset = _blocks[Code].Append((ulong)extraCode, 16);
    }
}
