using ElfLoader.Elf;
using ElfLoader.Elf.Writing;
using ElfLoader.Loading;
using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>
/// Where the parts of a unit lie, as the program headers of a linked file tell it (gABI, "Program Header"), and the ELF header
/// that says so.
/// </summary>
/// <remarks>
/// The addresses are those in memory, as in an executable that is linked for them (ET_EXEC), so the base that is to be added
/// to them is 0.
/// </remarks>
internal sealed class UnitSegments
{
    private const int MostNotes = 16;

    /// <summary>Bytes of an ELF header.</summary>
    internal static int FileHeaderSize => Elf64.FileHeaderSize;

    /// <summary>Bytes of the ELF header and of as many program headers as there can be: the blocks, TLS, notes, unwind tables, stack.</summary>
    internal static int HeaderSize => Elf64.FileHeaderSize + (Elf64.ProgramHeaderSize * (4 + 1 + MostNotes + 2));

    private readonly List<ProgramHeader> _loads = [];
    private readonly List<ProgramHeader> _others = [];
    private int _notes;

    /// <summary>Address of the header; 0 if there is none in the unit's memory.</summary>
    internal ulong Header { get; init; }

    /// <summary>Address of the index of the unwind tables; 0 if there is none.</summary>
    internal ulong UnwindIndex { get; set; }

    /// <summary>Bytes of that index.</summary>
    internal ulong UnwindIndexSize { get; set; }

    /// <summary>Address of the unwind tables; 0 if there are none.</summary>
    internal ulong UnwindTable { get; init; }

    /// <summary>Number of program headers.</summary>
    internal int Count => _loads.Count + _others.Count + (UnwindIndex is 0 ? 1 : 2);

    /// <summary>What is mapped, by address.</summary>
    internal IReadOnlyList<ProgramHeader> Loads => _loads;

    /// <summary>Thread-local storage and notes.</summary>
    internal IReadOnlyList<ProgramHeader> Others => _others;

    /// <summary>The addresses of what is mapped.</summary>
    internal IEnumerable<AddressRange> Ranges => _loads.Select(load => new AddressRange(load.Address, load.Address + load.MemorySize));

    /// <summary>Adds a block, unless it is empty.</summary>
    internal void AddBlock(MemoryZone zone, ulong address, ulong fileSize, ulong size)
    {
        uint flags = ElfConstants.PF_R | zone switch
        {
            MemoryZone.Code => ElfConstants.PF_X,
            MemoryZone.Data => ElfConstants.PF_W,
            _ => 0,
        };
        if (size > 0)
        {
            _loads.Add(new ProgramHeader(ElfConstants.PT_LOAD, flags, 0, address, fileSize, size, 1));
        }
    }

    /// <summary>Says where the initial image of the thread-local storage is.</summary>
    internal void AddTls(ulong address, ulong imageSize, ulong size, ulong alignment) => _others.Add(
        new ProgramHeader(ElfConstants.PT_TLS, ElfConstants.PF_R, 0, address, imageSize, size, alignment));

    /// <summary>Says where notes are; of very many in different places, not all can be told.</summary>
    internal void AddNotes(ulong address, ulong size, ulong alignment)
    {
        if (_notes++ < MostNotes)
        {
            _others.Add(new ProgramHeader(ElfConstants.PT_NOTE, ElfConstants.PF_R, 0, address, size, size, alignment));
        }
    }

    /// <summary>Writes the ELF header and the program headers.</summary>
    /// <param name="bytes">Where to; at most <see cref="HeaderSize"/> bytes.</param>
    /// <param name="address">Address of these bytes.</param>
    internal void Write(Span<byte> bytes, ulong address)
    {
        var fields = new ElfFields(is64Bit: true);
        fields.FileHeader(ElfConstants.ELFOSABI_NONE, new FileHeader(
            ElfConstants.ET_EXEC,
            HostMachine.Architecture.Machine,
            ElfConstants.EV_CURRENT,
            Entry: 0,
            ProgramHeaders: (ulong)FileHeaderSize,
            SectionHeaders: 0,
            Flags: 0,
            Size: 0,
            ProgramHeaderSize: 0,
            ProgramHeaderCount: (ushort)Count,
            SectionHeaderSize: 0,
            SectionCount: 0,
            SectionNames: 0));
        IEnumerable<ProgramHeader> index = UnwindIndex is 0 ? [] :
            [new(ElfConstants.PT_GNU_EH_FRAME, ElfConstants.PF_R, 0, UnwindIndex, UnwindIndexSize, UnwindIndexSize, sizeof(uint))];
        foreach (ProgramHeader header in (IEnumerable<ProgramHeader>)[.. _loads, .. _others, .. index])
        {
            // There is no file: places in it are told as distances from what would be its first byte.
            fields.ProgramHeader(header with { Offset = unchecked(header.Address - address) });
        }

        fields.ProgramHeader(new ProgramHeader(
            ElfConstants.PT_GNU_STACK, ElfConstants.PF_R | ElfConstants.PF_W, 0, 0, 0, 0, 16));
        fields.ToArray().CopyTo(bytes);
    }

    /// <summary>What is left when the code is gone; the header in the unit's memory still tells of it.</summary>
    internal UnitSegments WithoutCode()
    {
        var rest = new UnitSegments { _notes = _notes };
        rest._loads.AddRange(_loads.Where(load => (load.Flags & ElfConstants.PF_X) == 0));
        rest._others.AddRange(_others);
        return rest;
    }
}
