using ElfLoader.Elf;
using ElfLoader.Linking;
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
    /// <summary>Bytes of an ELF header.</summary>
    internal const int FileHeaderSize = 64;

    /// <summary>Bytes of the ELF header and of as many program headers as there can be: the blocks, TLS, notes, unwind tables, stack.</summary>
    internal const int HeaderSize = FileHeaderSize + (ProgramHeaderSize * (4 + 1 + MostNotes + 2));

    private const int MostNotes = 16;
    private const int ProgramHeaderSize = 56;

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
        fields.U16((ushort)Count);
        fields.U16((ushort)Elf64.SectionHeaderSize);
        fields.U32(0);
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
