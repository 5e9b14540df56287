using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader.Linking;

/// <summary>
/// The ELF header of a unit, as the file would have one that a linker had made of it: its program headers say where the parts
/// lie that programs look for (gABI, "Program Header"). It begins the unit's read-only block.
/// </summary>
/// <remarks>
/// The addresses are those in memory, as in an executable that is linked for them (ET_EXEC), so the base that is to be added
/// to them is 0. A unit of a few objects has no header unless something wants it.
/// </remarks>
internal sealed class UnitHeader
{
    private const int MostProgramHeaders = 9; // four blocks, TLS, two notes, unwind tables, stack
    private const int FileHeaderSize = 64;
    private const int ProgramHeaderSize = 56;
    private const int TableSize = FileHeaderSize + (MostProgramHeaders * ProgramHeaderSize);

    private readonly UnitLayout _layout;
    private readonly SymbolResolution _resolution;
    private readonly List<(ulong Offset, ulong Size, ulong Alignment)> _notes = [];
    private ulong _offset;
    private ulong _indexOffset;

    internal UnitHeader(UnitLayout layout, SymbolResolution resolution)
    {
        _layout = layout;
        _resolution = resolution;
    }

    /// <summary>Whether the unit gets one.</summary>
    internal bool IsWanted { get; set; }

    /// <summary>Where it lies.</summary>
    internal ulong Address => Block.Address + _offset;

    /// <summary>Where the index of the unwind tables lies.</summary>
    internal ulong IndexAddress => Block.Address + _indexOffset;

    /// <summary>Bytes of that index.</summary>
    internal int IndexSize { get; private set; }

    private LinkBlock Block => _layout.Blocks[(int)MemoryZone.ReadOnly];

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        IsWanted = false;
        _notes.Clear();
    }

    /// <summary>Takes the room, and lays the notes out: those of one alignment end to end, as one program header has them.</summary>
    internal void Place(ref LinkBlock block, int number)
    {
        _offset = block.Append(TableSize, sizeof(ulong));
        foreach (ulong alignment in (ReadOnlySpan<ulong>)[sizeof(ulong), sizeof(uint)])
        {
            ulong start = block.Append(0, alignment);
            foreach (LinkObject file in _resolution.Objects)
            {
                Span<SectionPlace> places = file.LoadedSections;
                for (int i = 1; i < places.Length; i++)
                {
                    ref readonly SectionHeader header = ref file.Elf.Sections[i];
                    const ulong others = ElfConstants.SHF_WRITE | ElfConstants.SHF_EXECINSTR | ElfConstants.SHF_TLS;
                    if (places[i] is { Fate: SectionFate.Kept, Role: SectionRole.Ordinary }
                        && header.Type is ElfConstants.SHT_NOTE && (header.Flags & others) == 0
                        && Math.Max(header.Alignment, sizeof(uint)) == alignment)
                    {
                        places[i].Role = SectionRole.Gathered;
                        places[i].Block = number;
                        places[i].Offset = block.Append(header.Size, alignment);
                    }
                }
            }

            if (block.Size > start)
            {
                _notes.Add((start, block.Size - start, alignment));
            }
        }
    }

    /// <summary>Takes the room of the index, the unwind tables having theirs.</summary>
    internal void PlaceIndex(ref LinkBlock block)
    {
        int count = 0;
        foreach (LinkObject file in _resolution.Objects)
        {
            Span<SectionPlace> places = file.LoadedSections;
            for (int i = 1; i < places.Length; i++)
            {
                if (places[i] is { Fate: SectionFate.Kept, Role: SectionRole.Unwind })
                {
                    count += EhFrame.CountDescriptions(file.Elf.SectionBytes(i));
                }
            }
        }

        IndexSize = EhFrameIndex.HeaderSize + (count * EhFrameIndex.EntrySize);
        _indexOffset = block.Append((ulong)IndexSize, sizeof(uint));
    }

    /// <summary>Writes everything; the unwind tables are final.</summary>
    internal void Write(LinkMemory memory)
    {
        const int wordSize = sizeof(ulong);
        ulong start = _layout.UnwindSize > 0 ? _layout.UnwindStart : _layout.UnwindOffset;
        int tableSize = (int)(_layout.UnwindOffset + _layout.UnwindSize - start);
        _ = EhFrameIndex.Write( // where there cannot be an index, unwinders read the tables
            memory.Writable((int)MemoryZone.ReadOnly, _indexOffset, IndexSize),
            IndexAddress,
            memory.Writable((int)MemoryZone.ReadOnly, start, tableSize),
            Block.Address + start,
            wordSize);

        List<ProgramHeader> headers = Make();
        var fields = new ElfFields(is64Bit: true);
        fields.Bytes(
        [
            0x7f, (byte)'E', (byte)'L', (byte)'F', ElfConstants.ELFCLASS64, ElfConstants.ELFDATA2LSB, ElfConstants.EV_CURRENT,
            ElfConstants.ELFOSABI_NONE, 0, 0, 0, 0, 0, 0, 0, 0,
        ]);
        fields.U16(ElfConstants.ET_EXEC);
        fields.U16(HostMachine.Architecture.Machine);
        fields.U32(ElfConstants.EV_CURRENT);
        fields.Word(0); // no entry
        fields.Word(FileHeaderSize);
        fields.Word(0); // no section headers
        fields.U32(0);
        fields.U16(FileHeaderSize);
        fields.U16(ProgramHeaderSize);
        fields.U16((ushort)headers.Count);
        fields.U16((ushort)Elf64.SectionHeaderSize);
        fields.U32(0);
        foreach (ProgramHeader header in headers)
        {
            fields.ProgramHeader(header);
        }

        fields.ToArray().CopyTo(memory.Writable((int)MemoryZone.ReadOnly, _offset, TableSize));
    }

    /// <summary>The program headers, by address where they are of memory.</summary>
    private List<ProgramHeader> Make()
    {
        List<ProgramHeader> headers = [];
        foreach ((MemoryZone zone, uint flags) in (ReadOnlySpan<(MemoryZone, uint)>)[
            (MemoryZone.Code, ElfConstants.PF_R | ElfConstants.PF_X), (MemoryZone.ReadOnly, ElfConstants.PF_R),
            (MemoryZone.Relro, ElfConstants.PF_R), (MemoryZone.Data, ElfConstants.PF_R | ElfConstants.PF_W)])
        {
            LinkBlock block = _layout.Blocks[(int)zone];
            if (block.Size > 0)
            {
                ulong bytes = zone is MemoryZone.Data && _layout.HasZerosLast ? _layout.InitializedSize : block.Size;
                headers.Add(Of(ElfConstants.PT_LOAD, flags, block.Address, bytes, block.Size, 1));
            }
        }

        TlsTemplate tls = _layout.Tls;
        if (tls.Size > 0)
        {
            ulong image = _layout.Blocks[(int)MemoryZone.Relro].Address + tls.ImageOffset;
            headers.Add(Of(ElfConstants.PT_TLS, ElfConstants.PF_R, image, tls.ImageSize, tls.Size, tls.Alignment));
        }

        foreach ((ulong offset, ulong size, ulong alignment) in _notes)
        {
            headers.Add(Of(ElfConstants.PT_NOTE, ElfConstants.PF_R, Block.Address + offset, size, size, alignment));
        }

        headers.Add(Of(
            ElfConstants.PT_GNU_EH_FRAME, ElfConstants.PF_R, IndexAddress, (ulong)IndexSize, (ulong)IndexSize, sizeof(uint)));
        headers.Add(Of(ElfConstants.PT_GNU_STACK, ElfConstants.PF_R | ElfConstants.PF_W, Address, 0, 0, 16) with { Address = 0 });
        return headers;
    }

    /// <summary>A header; there is no file, so places in it are told as distances from what would be its first byte.</summary>
    private ProgramHeader Of(uint type, uint flags, ulong address, ulong fileSize, ulong size, ulong alignment) =>
        new(type, flags, unchecked(address - Address), address, fileSize, size, alignment);
}
