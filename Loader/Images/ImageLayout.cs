using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Images;

/// <summary>Gives the sections of an image, and all that lies in them, their addresses.</summary>
internal sealed partial class ImageLayout : ILinkedBounds
{
    private const ulong BaseAlignment = 4; // of the file header, which the first segment begins with

    private readonly ImageMachine _machine;
    private readonly ImageOptions _options;
    private readonly ImageSections _sections;
    private readonly List<ImageOutput> _fixed = [];
    private readonly List<ImageOutput> _free = [];
    private readonly List<ImageOutput> _tls = [];

    internal ImageLayout(ImageMachine machine, ImageOptions options, ImageSections sections)
    {
        _machine = machine;
        _options = options;
        _sections = sections;
    }

    /// <summary>Address of the file header.</summary>
    internal ulong Base { get; private set; }

    /// <summary>Bytes of the file header and the program headers.</summary>
    internal ulong HeaderSize { get; private set; }

    /// <summary>The template of the thread-local storage.</summary>
    internal TlsTemplate Tls { get; } = new();

    /// <summary>Address of the functions for thread-local storage.</summary>
    internal ulong TlsCodeAddress => _sections.TlsCode!.Address;

    /// <summary>Sections of the template.</summary>
    internal IReadOnlyList<ImageOutput> TlsOutputs => _tls;

    /// <summary>What lies where the linker decided, in the order of addresses.</summary>
    internal IReadOnlyList<ImageOutput> Free => _free;

    /// <summary>What lies where the caller decided.</summary>
    internal IReadOnlyList<ImageOutput> Fixed => _fixed;

    ulong ILinkedBounds.Header => Base;

    ulong ILinkedBounds.EndOfCode => EndOf(ImageZone.Code);

    ulong ILinkedBounds.EndOfData => EndOf(ImageZone.Data);

    /// <inheritdoc/>
    public ulong StartOfZeros =>
        _free.Find(output => output is { Zone: ImageZone.Data, HasNoBytes: true })?.Address ?? EndOfInitializedData;

    /// <inheritdoc/>
    public ulong EndOfInitializedData =>
        _free.FindLast(output => output is { Zone: ImageZone.Data, HasNoBytes: false })?.End ?? EndOf(ImageZone.Relro);

    /// <summary>
    /// The static base, B(S) of AAELF32, of all variables alike, for it is in one register (RWPI): the start of the first of
    /// those that may be written for good, even for those that may not.
    /// </summary>
    internal ulong StaticBase => _options.StaticBase ?? (FirstOf(ImageZone.Data) ?? FirstOf(ImageZone.Relro))?.Address ?? 0;

    /// <summary>Gives everything its address.</summary>
    /// <exception cref="ImageOptionException">The caller's addresses are not possible.</exception>
    /// <exception cref="LinkException">The image does not fit.</exception>
    internal void Plan(SymbolResolution resolution, StubTable stubs)
    {
        try
        {
            PlaceAll();
            if (OrderLinked())
            {
                PlaceAll();
            }
        }
        catch (OverflowException)
        {
            throw TooLarge();
        }

        AssignInputs();
        AssignTls();
        AssignSymbols(resolution, stubs);
    }

    /// <summary>Where the output sections of a name start and end; the image's first address twice where there are none.</summary>
    public (ulong Start, ulong End) RangeOf(string name)
    {
        (ulong Start, ulong End)? range = null;
        foreach (ImageOutput output in _sections.Outputs)
        {
            if (output.Name == name && output.Zone is not ImageZone.File)
            {
                range = range is null
                    ? (output.Address, output.End)
                    : (Math.Min(range.Value.Start, output.Address), Math.Max(range.Value.End, output.End));
            }
        }

        return range ?? (Base, Base);
    }

    /// <summary>Address after a zone, or the last one before it that there is.</summary>
    internal ulong EndOf(ImageZone zone)
    {
        ulong end = Base + HeaderSize;
        foreach (ImageOutput output in _free)
        {
            if (output.Zone <= zone && output.TakesAddresses)
            {
                end = output.End;
            }
        }

        return end;
    }

    private static int Rank(ImageOutput output) => output switch
    {
        { IsTls: true, HasNoBytes: false } => 0,
        { IsTls: true } => 1,
        { HasNoBytes: true } => 9,
        { Type: ElfConstants.SHT_NOTE } => 2,
        { Type: ElfConstants.SHT_PREINIT_ARRAY } => 3,
        { Type: ElfConstants.SHT_INIT_ARRAY } => 4,
        { Type: ElfConstants.SHT_FINI_ARRAY } => 5,
        _ => 6,
    };

    private ImageOutput? FirstOf(ImageZone zone) =>
        _free.Find(output => output.Zone == zone && output is { TakesAddresses: true, Size: > 0 });

    private LinkException TooLarge() => new(
        LinkErrorCode.LimitExceeded,
        new LinkLocation("image"),
        $"the sections together do not fit {CountText.Of(_machine.Rules.Architecture.AddressBits, "bit")} of address space, or are larger than "
        + $"the limit of {CountText.Of(_options.MaximumSize, "byte")} (MaximumSize)");

    private void Sort()
    {
        _fixed.Clear();
        _free.Clear();
        _fixed.AddRange(_sections.Outputs.Where(output => output.FixedAddress is not null)
            .OrderBy(output => output.FixedAddress));
        _free.AddRange(_sections.Outputs.Where(output => output.FixedAddress is null && output.Zone is not ImageZone.File)
            .OrderBy(output => output.Zone).ThenBy(Rank));
        _tls.Clear();
        _tls.AddRange(_free.Where(output => output.IsTls));
    }

    private void PlaceAll()
    {
        Sort();
        ulong total = 0;
        foreach (ImageOutput output in _sections.Outputs)
        {
            output.Arrange();
            total = checked(total + output.Size);
        }

        if (total > _options.MaximumSize)
        {
            throw TooLarge();
        }

        if (_tls is [ImageOutput first, ..])
        {
            first.Alignment = _tls.Max(output => output.Alignment); // the template is aligned as a whole
        }

        HeaderSize = ProgramHeaders.RoomFor(_machine, _sections.Outputs);
        PlaceFixed();
        if (_options.Base is { } address)
        {
            if (address % BaseAlignment is not 0)
            {
                throw new ImageOptionException($"the base address 0x{address:x} is not a multiple of {BaseAlignment}");
            }

            if (PlaceFree(address) is { } obstacle)
            {
                throw new ImageOptionException(
                    $"{Describe(obstacle)} overlaps the image's first segment at 0x{address:x}");
            }

            return;
        }

        ulong start = PreferredBase();
        while (PlaceFree(start) is { } obstacle)
        {
            start = AlignUp(obstacle.End, _machine.PageSize);
        }
    }

    private void PlaceFixed()
    {
        ImageOutput? previous = null;
        foreach (ImageOutput output in _fixed)
        {
            output.Address = output.FixedAddress!.Value;
            if (output.Address % output.Alignment is not 0)
            {
                throw new ImageOptionException(
                    $"{Describe(output)} must lie at a multiple of {output.Alignment}, which 0x{output.Address:x} is not");
            }

            CheckFits(output);
            if (previous is not null && previous.End > output.Address)
            {
                throw new ImageOptionException($"{Describe(output)} overlaps {Describe(previous)}");
            }

            previous = output.Size > 0 ? output : previous;
        }
    }

    private void CheckFits(ImageOutput output)
    {
        if (output.Size > ulong.MaxValue - output.Address || (!_machine.Is64Bit && output.End > 1UL << 32))
        {
            throw output.FixedAddress is null
                ? TooLarge()
                : new ImageOptionException($"{Describe(output)} does not end within the address space");
        }
    }

    /// <summary>The usual address, or one near that of the sections placed by the caller which refer to most.</summary>
    private ulong PreferredBase()
    {
        const ulong reach = 0x7000_0000; // of 32-bit distances, less what the image itself may take
        ImageOutput? busiest = _fixed.MaxBy(CountRelocations);
        return busiest is null || busiest.End < reach || busiest.End > ulong.MaxValue - reach || !_machine.Is64Bit
            ? _machine.DefaultBase
            : AlignUp(busiest.End, _machine.PageSize);
    }

    private static int CountRelocations(ImageOutput output)
    {
        int count = 0;
        foreach (ImagePiece piece in output.Pieces)
        {
            foreach (ref readonly RelocationSection section in piece is { File: { } file, Section: > 0 } ? file.Elf.RelocationSections : default)
            {
                count += section.Target == piece.Section ? section.Count : 0;
            }
        }

        return count;
    }

    /// <summary>Places all that has no fixed address; returns what is in the way of the first segment, if anything is.</summary>
    private ImageOutput? PlaceFree(ulong start)
    {
        Base = start;
        ulong cursor = PlaceZone(ImageZone.ReadOnly, checked(start + HeaderSize));
        if (Obstacle(start, cursor) is { } obstacle)
        {
            return obstacle;
        }

        for (ImageZone zone = ImageZone.Code; zone < ImageZone.File; zone++)
        {
            if (_free.Exists(output => output.Zone == zone))
            {
                ulong from = AlignUp(checked(cursor + (IsEmptyAfterZeros(zone) ? 1UL : 0)), _machine.PageSize);
                ulong end = PlaceZone(zone, from);
                while (Obstacle(from, end) is { } inTheWay)
                {
                    from = AlignUp(inTheWay.End, _machine.PageSize);
                    end = PlaceZone(zone, from);
                }

                cursor = end;
            }
        }

        return null;
    }

    /// <summary>
    /// Whether a zone has no segment, for nothing in it has a size, and comes after zeros. Tools would count its sections among
    /// those of the segment before it if they lay at its end, and find that their offsets in the file, where zeros take
    /// nothing, do not fit their addresses (GNU <c>strip</c>: "section .data lma … adjusted").
    /// </summary>
    private bool IsEmptyAfterZeros(ImageZone zone) =>
        !_free.Exists(output => output.Zone == zone && output.Size > 0)
        && _free.FindLast(output => output.Zone < zone && output is { TakesAddresses: true, Size: > 0 }) is { HasNoBytes: true };

    private ulong PlaceZone(ImageZone zone, ulong cursor)
    {
        foreach (ImageOutput output in _free)
        {
            if (output.Zone != zone)
            {
                continue;
            }

            if (output is { HasNoBytes: true, Size: > 0 } && (output.Flags & ElfConstants.SHF_WRITE) == 0)
            {
                cursor = AlignUp(cursor, _machine.CommonPageSize); // the system clears no part of a page that cannot be written
            }

            output.Address = AlignUp(cursor, output.Alignment);
            if (_tls.IndexOf(output) is > 0 and int index) // follows, though zeros take no addresses from what comes next
            {
                output.Address = AlignUp(_tls[index - 1].End, output.Alignment);
            }

            if (_sections.RelroPadding is { } padding && padding.Output == output)
            {
                padding.Size = AlignUp(cursor, _machine.CommonPageSize) - cursor;
                output.Arrange();
            }

            CheckFits(output);
            cursor = output.TakesAddresses ? output.End : cursor;
        }

        return cursor;
    }

    /// <summary>What the caller has put on one of the pages of a range.</summary>
    private ImageOutput? Obstacle(ulong start, ulong end)
    {
        ulong page = _machine.PageSize;
        foreach (ImageOutput output in _fixed)
        {
            if (output.Size > 0 && output.Address / page * page < AlignUp(end, page) && AlignUp(output.End, page) > start)
            {
                return output;
            }
        }

        return null;
    }

    /// <summary>Sections with SHF_LINK_ORDER lie in the order of those that they describe.</summary>
    private bool OrderLinked()
    {
        bool any = false;
        foreach (ImageOutput output in _sections.Outputs)
        {
            if (output.Pieces.Count > 1 && output.Pieces.All(IsLinked))
            {
                any = true;
                output.Sort(piece => AddressOfLinked(piece));
            }
        }

        return any;

        static bool IsLinked(ImagePiece piece) =>
            piece.Describes is not null
            || (piece is { File: not null, Section: > 0 } && piece.File.Elf.Sections[piece.Section].Has(ElfConstants.SHF_LINK_ORDER));
    }

    private ulong AddressOfLinked(ImagePiece piece)
    {
        if (piece.Describes is { } describes)
        {
            return describes();
        }

        int linked = (int)piece.File!.Elf.Sections[piece.Section].Link;
        return linked < piece.File.Sections.Length && piece.File.IsKept(linked)
            ? _sections.Memory.Piece(piece.File.Sections[linked].Block).Address
            : 0;
    }

    private static string Describe(ImageOutput output) =>
        $"{output.Pieces[0].File?.Elf.Name},{output.Name} at 0x{output.Address:x}, {CountText.Of(output.Size, "byte")} long,";

    private static ulong AlignUp(ulong value, ulong alignment) => checked(value + (alignment - 1)) & ~(alignment - 1);
}
