using ElfLoader.Tests.Linking;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Images;

/// <summary>
/// The rules that a static executable's segments must keep: those of the gABI ("Program Header"), of Linux
/// (<c>fs/binfmt_elf.c</c>) and of a static glibc (<c>csu/libc-tls.c</c>, <c>elf/dl-reloc.c</c>).
/// </summary>
internal sealed class SegmentRules(ImageExecutable file, List<string> broken)
{
    /// <summary>The page size of the kernels that have the smallest.</summary>
    private const ulong SmallPage = 0x1000;

    private readonly ImageExecutable.Segment[] _loads = [.. file.Loads];

    /// <summary>Whether the image is for systems with pages: firmware at an address that is no multiple of one is not.</summary>
    private readonly bool _hasPages = file.Loads.Any(load => load.Alignment >= SmallPage);

    /// <summary>Looks at all of them.</summary>
    internal void Check()
    {
        Demand(file.Entry is 0 || Array.Exists(_loads, load => Covers(load, file.Entry, 1) && (load.Flags & PF_X) != 0),
            $"the entry 0x{file.Entry:x} lies in no executable segment");
        foreach (ImageExecutable.Segment segment in file.Segments)
        {
            CheckCommon(segment);
        }

        foreach (ImageExecutable.Segment load in _loads)
        {
            CheckLoad(load);
        }

        foreach ((ImageExecutable.Segment first, ImageExecutable.Segment second) in _loads.Zip(_loads.Skip(1)))
        {
            CheckNeighbours(first, second);
        }

        CheckOne(PT_PHDR, CheckHeaders);
        CheckOne(PT_TLS, CheckTls);
        CheckOne(PT_GNU_RELRO, CheckRelro);
        CheckOne(PT_GNU_STACK, _ => { });
        CheckOne(PT_GNU_EH_FRAME, segment => Demand(
            segment.FileSize >= 4 && file.Slice(segment.Offset, 1)[0] is 1, "PT_GNU_EH_FRAME is not of version 1"));
        CheckOne(PT_GNU_PROPERTY, segment => Demand(
            segment.Alignment == (file.Is64Bit ? 8UL : 4), $"PT_GNU_PROPERTY is aligned to {segment.Alignment}"));
        CheckOne(PT_ARM_EXIDX, segment => Demand(segment.FileSize % 8 is 0, "PT_ARM_EXIDX has half an entry"));
        foreach (ImageExecutable.Segment note in file.Segments.Where(segment => segment.Type is PT_NOTE))
        {
            CheckNotes(note);
        }
    }

    private static bool IsPowerOfTwo(ulong value) => value is not 0 && (value & (value - 1)) is 0;

    private static ulong Down(ulong value, ulong alignment) => value / alignment * alignment;

    private static ulong Up(ulong value, ulong alignment) => Down(value + alignment - 1, alignment);

    private static bool Covers(in ImageExecutable.Segment load, ulong address, ulong size) =>
        load.Address <= address && address + size <= load.Address + load.MemorySize;

    private static string Name(in ImageExecutable.Segment segment) => $"segment 0x{segment.Type:x} at 0x{segment.Address:x}";

    private void Demand(bool holds, string complaint)
    {
        if (!holds)
        {
            broken.Add(complaint);
        }
    }

    private void CheckOne(uint type, Action<ImageExecutable.Segment> check)
    {
        ImageExecutable.Segment[] all = [.. file.Segments.Where(segment => segment.Type == type)];
        Demand(all.Length <= 1, $"there are {all.Length} segments of type 0x{type:x}");
        Array.ForEach(all, check);
    }

    private void CheckCommon(ImageExecutable.Segment segment)
    {
        string name = Name(segment);
        ulong last = file.Is64Bit ? ulong.MaxValue : uint.MaxValue;
        Demand(segment.Type is not (PT_INTERP or PT_DYNAMIC), $"{name}: a static executable has no dynamic loader");
        Demand(segment.Address <= last - segment.MemorySize + 1 || segment.MemorySize is 0, $"{name} ends beyond the address space");
        Demand(segment.FileSize <= segment.MemorySize, $"{name} has more bytes in the file than in memory");
        Demand(segment.Offset + segment.FileSize <= file.Size, $"{name} ends beyond the file's end");
        Demand(segment.Alignment is 0 || IsPowerOfTwo(segment.Alignment), $"{name} is aligned to 0x{segment.Alignment:x}, no power of two");
        if (segment.Type is PT_LOAD or PT_GNU_STACK || segment.FileSize is 0)
        {
            return;
        }

        Demand(
            Array.Exists(_loads, load => Covers(load, segment.Address, segment.FileSize)
                && segment.Offset - load.Offset == segment.Address - load.Address
                && segment.Address + segment.FileSize <= load.Address + load.FileSize),
            $"{name} does not lie in one loaded segment");
        Demand(segment.Alignment is 0 || segment.Address % segment.Alignment is 0, $"{name} is not as aligned as it says");
    }

    private void CheckLoad(ImageExecutable.Segment load)
    {
        string name = Name(load);
        Demand(load.MemorySize > 0, $"{name} is empty");
        Demand(load.Alignment >= SmallPage || !_hasPages, $"{name} is not aligned to a page");
        Demand(
            load.Alignment is 0 || load.Offset % load.Alignment == load.Address % load.Alignment,
            $"{name} has offset 0x{load.Offset:x}, which is not congruent to its address");
        if (load.FileSize == load.MemorySize || !_hasPages)
        {
            return;
        }

        // The kernel clears the rest of the last page that comes from the file, and maps zeros behind it.
        ulong end = load.Address + load.FileSize;
        Demand(end % SmallPage is 0 || (load.Flags & PF_W) != 0, $"{name} has zeros in a page that cannot be written");
        Demand(
            end % SmallPage is 0 || Down(load.Offset + load.FileSize, SmallPage) < file.Size,
            $"{name} has zeros in a page that the file does not have");
    }

    private void CheckNeighbours(in ImageExecutable.Segment first, in ImageExecutable.Segment second)
    {
        string names = $"{Name(first)} and {Name(second)}";
        ulong page = Math.Max(_hasPages ? SmallPage : 1, second.Alignment);
        Demand(first.Address < second.Address, $"{names} are not in the order of addresses");
        Demand(first.Address > second.Address || first.Address + first.MemorySize <= second.Address, $"{names} overlap in memory");
        Demand(
            first.Address > second.Address || Up(first.Address + first.MemorySize, page) <= Down(second.Address, page)
                || first.Offset - first.Address == second.Offset - second.Address, // the same page of the file
            $"{names} share a page");
        Demand(
            first.FileSize is 0 || second.FileSize is 0 || first.Offset + first.FileSize <= second.Offset
                || second.Offset + second.FileSize <= first.Offset,
            $"{names} overlap in the file");
    }

    private void CheckHeaders(ImageExecutable.Segment headers)
    {
        ImageExecutable.Segment[] before = [.. file.Segments.TakeWhile(segment => segment.Type is not PT_PHDR)];
        Demand(!Array.Exists(before, segment => segment.Type is PT_LOAD), "PT_PHDR comes behind a loaded segment");
        Demand((headers.Offset, headers.FileSize) == file.SegmentTable, "PT_PHDR is not where the table is");
    }

    private void CheckTls(ImageExecutable.Segment tls)
    {
        ulong alignment = Math.Max(tls.Alignment, 1);
        Demand(tls.Address % alignment is 0, $"PT_TLS at 0x{tls.Address:x} is not aligned to {alignment}");
    }

    /// <summary>
    /// A static glibc calls mprotect once, from the page of the start to the page of the end, and ends the program where that
    /// fails because a page is not mapped: "cannot apply additional memory protection after relocation".
    /// </summary>
    private void CheckRelro(ImageExecutable.Segment relro)
    {
        ulong start = Down(relro.Address, SmallPage);
        ulong end = Down(relro.Address + relro.MemorySize, SmallPage);
        ImageExecutable.Segment load = Array.Find(_loads, load => Covers(load, relro.Address, relro.MemorySize));
        Demand(load.MemorySize > 0, $"PT_GNU_RELRO to 0x{relro.Address + relro.MemorySize:x} ends beyond its segment");
        Demand((load.Flags & PF_W) != 0, "PT_GNU_RELRO lies in a segment that cannot be written");
        Demand(
            (relro.Address + relro.MemorySize) % SmallPage is 0 || !_hasPages,
            "PT_GNU_RELRO does not end at a page: part of it is not protected");
        foreach (ImageExecutable.Section section in file.Sections)
        {
            bool isVariable = section is { Name: ".data" or ".bss", Size: > 0 };
            Demand(
                !isVariable || section.Address >= end || section.Address + section.Size <= start,
                $"PT_GNU_RELRO makes '{section.Name}' read-only");
        }
    }

    private void CheckNotes(in ImageExecutable.Segment segment)
    {
        ulong alignment = segment.Alignment is 8 ? 8UL : 4;
        ReadOnlySpan<byte> notes = file.Slice(segment.Offset, segment.FileSize);
        while (!notes.IsEmpty)
        {
            ulong size = notes.Length < 12
                ? ulong.MaxValue
                : Up(12 + Up(BitConverter.ToUInt32(notes), 4), alignment) + Up(BitConverter.ToUInt32(notes[4..]), alignment);
            if (size > (ulong)notes.Length)
            {
                broken.Add($"{Name(segment)} ends within a note");
                return;
            }

            notes = notes[(int)size..];
        }
    }
}
