using ElfLoader.DynamicLinking;
using ElfLoader.Elf;
using ElfLoader.Elf.Unwind;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Loading;

/// <summary>
/// The ELF header of a unit, as the file would have one that a linker had made of it: its program headers say where the parts
/// lie that programs look for (gABI, "Program Header"). It begins the unit's read-only block.
/// </summary>
/// <remarks>A unit has none unless something wants it.</remarks>
internal sealed class UnitHeader
{
    private readonly UnitLayout _layout;
    private readonly SymbolResolution _resolution;
    private List<(ulong Offset, ulong Size, ulong Alignment)>? _notes;
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

    /// <summary>What it says, once it is written.</summary>
    internal UnitSegments? Segments { get; private set; }

    private LinkBlock Block => _layout.Blocks[(int)MemoryZone.ReadOnly];

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        (IsWanted, Segments, _notes) = (false, null, null);
    }

    /// <summary>Takes the room, and lays the notes out: those of one alignment end to end, as one program header has them.</summary>
    internal void Place(ref LinkBlock block, int number)
    {
        _offset = block.Append((ulong)UnitSegments.HeaderSize, sizeof(ulong));
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
                (_notes ??= []).Add((start, block.Size - start, alignment));
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

        UnitSegments segments = Describe(tableSize > 0 ? Block.Address + start : 0);
        segments.Write(memory.Writable((int)MemoryZone.ReadOnly, _offset, UnitSegments.HeaderSize), Address);
        Segments = segments;
    }

    private UnitSegments Describe(ulong unwindTable)
    {
        var segments = new UnitSegments
        {
            Header = Address,
            UnwindIndex = IndexAddress,
            UnwindIndexSize = (ulong)IndexSize,
            UnwindTable = unwindTable,
        };
        for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
        {
            LinkBlock block = _layout.Blocks[(int)zone];
            ulong bytes = zone is MemoryZone.Data && _layout.HasZerosLast ? _layout.InitializedSize : block.Size;
            segments.AddBlock(zone, block.Address, bytes, block.Size);
        }

        TlsTemplate tls = _layout.Tls;
        if (tls.Size > 0)
        {
            ulong image = _layout.Blocks[(int)MemoryZone.Relro].Address + tls.ImageOffset;
            segments.AddTls(image, tls.ImageSize, tls.Size, tls.Alignment);
        }

        foreach ((ulong offset, ulong size, ulong alignment) in _notes ?? [])
        {
            segments.AddNotes(Block.Address + offset, size, alignment);
        }

        return segments;
    }
}
