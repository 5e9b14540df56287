using ElfLoader.Elf;
using ElfLoader.Elf.Writing;

namespace ElfLoader.Images;

/// <summary>A part of the image that is mapped as one.</summary>
internal sealed class ImageLoad
{
    /// <summary>What lies in it, by address.</summary>
    internal List<ImageOutput> Outputs { get; } = [];

    /// <summary>Address of the first byte.</summary>
    internal ulong Start { get; init; }

    /// <summary>PF_…</summary>
    internal uint Flags { get; set; }

    /// <summary>The zone that it was begun for.</summary>
    internal ImageZone Zone { get; init; }

    /// <summary>Whether it lies where the caller wants it.</summary>
    internal bool IsFixed { get; init; }

    /// <summary>Address after the last byte.</summary>
    internal ulong End { get; set; }

    /// <summary>Address after the last byte that the file has.</summary>
    internal ulong FileEnd { get; set; }

    /// <summary>Offset in the file.</summary>
    internal ulong FileOffset { get; set; }
}

/// <summary>Cuts an image into segments, and describes them to the system.</summary>
internal sealed class ProgramHeaders
{
    /// <summary>Most bytes of program headers that all Linux kernels read: a page.</summary>
    private const ulong TableLimit = 0x1000;

    /// <summary>Most bytes of a file that are spent for an alignment that no system needs (gABI, "Program Header", p_align).</summary>
    private const ulong LargestPadding = 0x100_0000;

    private readonly ImageMachine _machine;
    private readonly ImageLayout _layout;
    private readonly ImageSections _sections;
    private readonly List<ImageLoad> _loads = [];

    internal ProgramHeaders(ImageMachine machine, ImageLayout layout, ImageSections sections)
    {
        _machine = machine;
        _layout = layout;
        _sections = sections;
    }

    /// <summary>What is mapped, by address.</summary>
    internal IReadOnlyList<ImageLoad> Loads => _loads;

    /// <summary>Pages that hold sections of different kinds, which therefore may do more than each of them asks for.</summary>
    internal List<string> Warnings { get; } = [];

    /// <summary>Whether an object asks for an executable stack.</summary>
    internal bool HasExecutableStack { get; set; }

    /// <summary>Offset after the last mapped byte in the file.</summary>
    internal ulong FileEnd { get; private set; }

    /// <summary>Bytes of the file header and of all program headers that there can be.</summary>
    internal static ulong RoomFor(ImageMachine machine, IReadOnlyList<ImageOutput> outputs)
    {
        const int others = 6; // PHDR, TLS, RELRO, EH_FRAME, STACK, PROPERTY
        int zones = outputs.Where(output => output.Zone is not ImageZone.File).Select(output => output.Zone).Distinct().Count();
        int split = outputs.Count(output => output.FixedAddress is not null || output.Alignment > machine.PageSize);
        int notes = outputs.Count(output => output.Type is ElfConstants.SHT_NOTE);
        int count = others + 1 + zones + (2 * split) + notes + machine.SectionHeaders.Count;
        return machine.Is64Bit ? 64 + (56UL * (ulong)count) : 52 + (32UL * (ulong)count);
    }

    /// <summary>Alignment of the template, if the file can be as large as that takes.</summary>
    private ulong TlsAlignment =>
        _layout.TlsOutputs is [{ Alignment: <= LargestPadding } first, ..] ? first.Alignment : _machine.PageSize;

    /// <summary>Makes the segments and gives them, and what is in them, places in the file.</summary>
    internal void Cut()
    {
        var header = new ImageOutput("", ImageZone.ReadOnly, ElfConstants.SHT_PROGBITS, ElfConstants.SHF_ALLOC);
        header.Add(new ImagePiece { Size = _layout.HeaderSize });
        header.Arrange();
        header.Address = _layout.Base;
        Header = header;
        foreach (ImageOutput output in _layout.Free.Concat(_layout.Fixed).Append(header)
            .Where(output => output is { TakesAddresses: true, Size: > 0 })
            .OrderBy(output => output.Address))
        {
            Add(output);
        }

        foreach (ImageLoad load in _loads.OrderBy(load => load.Outputs.Contains(header) ? 0 : 1)) // it opens the file
        {
            if ((load.Flags & ElfConstants.PF_W) == 0)
            {
                // The system clears the rest of the last page only where it can be written: else the file has the zeros.
                ulong page = _machine.CommonPageSize;
                load.FileEnd = Math.Min(load.End, ((load.FileEnd - 1) | (page - 1)) + 1);
            }

            // What the system maps must have the same place in its page in the file as in memory, and the template in its unit.
            ulong unit = load.Outputs.Exists(output => output.IsTls) ? Math.Max(_machine.PageSize, TlsAlignment) : _machine.PageSize;
            load.FileOffset = FileEnd + unchecked((load.Start - FileEnd) % unit);
            FileEnd = Math.Max(FileEnd, load.FileOffset + (load.FileEnd - load.Start));
            foreach (ImageOutput output in load.Outputs)
            {
                PlaceInFile(output, load);
            }
        }

        foreach (ImageOutput output in _layout.Free.Concat(_layout.Fixed).Where(output => output is { TakesAddresses: false } or { Size: 0 }))
        {
            PlaceInFile(output, _loads.FindLast(load => load.Start <= output.Address) ?? _loads[0]);
        }
    }

    /// <summary>
    /// Gives a section its offset in the file. Where it has no bytes there, that is the segment's end at the most: tools take
    /// what lies beyond the file's end for a file that was cut off.
    /// </summary>
    private static void PlaceInFile(ImageOutput output, ImageLoad load)
    {
        ulong size = load.FileEnd - load.Start;
        ulong offset = output.Address > load.Start ? output.Address - load.Start : 0;
        output.FileOffset = load.FileOffset + (output is { HasNoBytes: true, TakesAddresses: true } ? size : Math.Min(offset, size));
    }

    /// <summary>
    /// The addressing origin of what lies at an address (AAELF32, B(S)): the static base of variables, else the first section
    /// of the segment. What lies in none counts from 0.
    /// </summary>
    internal ulong StaticBaseOf(ulong address)
    {
        ImageLoad? load = _loads.Find(load => load.Start <= address && address <= load.End);
        return load is { Zone: ImageZone.Relro or ImageZone.Data, IsFixed: false }
            ? _layout.StaticBase
            : load?.Outputs.Find(output => output != Header)?.Address ?? 0;
    }

    /// <summary>The file header and the program headers, as something that takes addresses.</summary>
    internal ImageOutput Header { get; private set; } = null!;

    /// <summary>The table.</summary>
    internal List<ProgramHeader> Make(ulong fileHeaderSize, ulong entrySize)
    {
        List<ProgramHeader> headers = [];
        foreach (ImageLoad load in _loads)
        {
            headers.Add(new ProgramHeader(
                ElfConstants.PT_LOAD,
                load.Flags,
                load.FileOffset,
                load.Start,
                load.FileEnd - load.Start,
                load.End - load.Start,
                _machine.PageSize));
        }

        AddTls(headers);
        AddRelro(headers);
        if (_sections.UnwindIndex is { } index)
        {
            headers.Add(Of(ElfConstants.PT_GNU_EH_FRAME, index.Output));
        }

        foreach (ImageOutput output in _layout.Free)
        {
            AddForSection(headers, output);
        }

        uint stack = ElfConstants.PF_R | ElfConstants.PF_W | (HasExecutableStack ? ElfConstants.PF_X : 0);
        headers.Add(new ProgramHeader(ElfConstants.PT_GNU_STACK, stack, 0, 0, 0, 0, 16));
        ulong size = entrySize * (ulong)(headers.Count + 1);
        if (size > TableLimit && _machine.PageSize >= TableLimit)
        {
            Warnings.Add(
                $"the image has {headers.Count + 1} program headers; there are Linux kernels (6.1 is one) that start no program "
                + $"with more than {TableLimit / entrySize}");
        }

        headers.Insert(0, new ProgramHeader(
            ElfConstants.PT_PHDR,
            ElfConstants.PF_R,
            fileHeaderSize,
            _layout.Base + fileHeaderSize,
            size,
            size,
            Math.Min((ulong)_machine.WordSize, _machine.PageSize)));
        return headers;
    }

    private void Add(ImageOutput output)
    {
        ulong page = _machine.PageSize;
        uint flags = FlagsOf(output);
        ImageLoad? load = _loads.Count > 0 ? _loads[^1] : null;
        bool sharesPage = load is not null && load.Start <= output.Address && output.Address / page <= (load.End - 1) / page;
        bool continues = load is not null && load.Flags == flags && load.Zone == output.Zone
            && load.Start <= output.Address && output.Address - load.End < page
            && (load.FileEnd == load.End || output.HasNoBytes) && output.FixedAddress is null == !load.IsFixed;
        if (!sharesPage && !continues)
        {
            load = new ImageLoad
            {
                Start = output.Address,
                Flags = flags,
                Zone = output.Zone,
                IsFixed = output.FixedAddress is not null,
            };
            load.FileEnd = load.Start;
            _loads.Add(load);
        }
        else if (load!.Flags != flags)
        {
            Warnings.Add(
                $"'{output.Name}' at 0x{output.Address:x} shares a page with sections of another kind: the page can be "
                + $"{Letters(load.Flags | flags)}");
            load.Flags |= flags;
        }

        if (output.Zone is ImageZone.WritableCode)
        {
            Warnings.Add($"'{output.Name}' at 0x{output.Address:x} is writable and executable at once, as an object asks");
        }

        load.Outputs.Add(output);
        load.End = Math.Max(load.End, output.End);
        load.FileEnd = output.HasNoBytes ? load.FileEnd : output.End;
    }

    /// <summary>What may be done with a segment, in letters.</summary>
    internal static string Letters(uint flags) =>
        $"{((flags & ElfConstants.PF_R) != 0 ? "R" : "")}{((flags & ElfConstants.PF_W) != 0 ? "W" : "")}"
        + $"{((flags & ElfConstants.PF_X) != 0 ? "X" : "")}";

    private static uint FlagsOf(ImageOutput output) => ElfConstants.PF_R
        | ((output.Flags & ElfConstants.SHF_WRITE) != 0 ? ElfConstants.PF_W : 0)
        | ((output.Flags & ElfConstants.SHF_EXECINSTR) != 0 ? ElfConstants.PF_X : 0);

    private static ProgramHeader Of(uint type, ImageOutput output) => new(
        type, FlagsOf(output), output.FileOffset, output.Address, output.Size, output.Size, output.Alignment);

    private void AddTls(List<ProgramHeader> headers)
    {
        if (_layout.TlsOutputs is not [ImageOutput first, ..] outputs)
        {
            return;
        }

        ImageOutput last = outputs[^1];
        ulong fileSize = outputs.LastOrDefault(output => !output.HasNoBytes) is { } initialized
            ? initialized.End - first.Address
            : 0;
        headers.Add(new ProgramHeader(
            ElfConstants.PT_TLS,
            ElfConstants.PF_R,
            first.FileOffset,
            first.Address,
            fileSize,
            last.End - first.Address,
            first.Alignment));
    }

    private void AddRelro(List<ProgramHeader> headers)
    {
        ImageLoad? load = _loads.FindLast(load => load is { Zone: ImageZone.Relro, IsFixed: false });
        if (load is null)
        {
            return;
        }

        headers.Add(new ProgramHeader(
            ElfConstants.PT_GNU_RELRO,
            ElfConstants.PF_R,
            load.FileOffset,
            load.Start,
            load.FileEnd - load.Start,
            load.End - load.Start,
            1));
    }

    private void AddForSection(List<ProgramHeader> headers, ImageOutput output)
    {
        if (output is { Type: ElfConstants.SHT_NOTE, Size: > 0 })
        {
            headers.Add(Of(ElfConstants.PT_NOTE, output));
            if (output.Name is ".note.gnu.property")
            {
                headers.Add(Of(ElfConstants.PT_GNU_PROPERTY, output));
            }
        }

        foreach ((string section, uint type) in _machine.SectionHeaders)
        {
            if (output.Name == section && output.Size > 0)
            {
                headers.Add(Of(type, output));
            }
        }
    }
}
