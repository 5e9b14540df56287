using System.Buffers.Binary;
using System.Text;

namespace ElfLoader.Tests.Linking;

/// <summary>An executable of either class as the gABI's tables say it is to be read, whoever wrote it.</summary>
internal sealed class ImageExecutable
{
    private const int PN_XNUM = 0xffff;
    private const int SHN_XINDEX = 0xffff;

    private readonly byte[] _file;
    private readonly bool _is64Bit;

    public ImageExecutable(byte[] file)
    {
        _file = file;
        _is64Bit = file[4] is 2; // ELFCLASS64
        int table = (int)Word(_is64Bit ? 32 : 28);
        int sizes = _is64Bit ? 52 : 40; // of the file's header, of a program header, their number, and of sections the same
        int sections = (int)Word(_is64Bit ? 40 : 32);
        int sectionSize = U16(sizes + 6);
        Section first = ReadSection(sections); // has the numbers that 16 bits cannot hold
        int segmentCount = U16(sizes + 4) is not PN_XNUM and int few ? few : (int)first.Info;
        int sectionCount = U16(sizes + 8) is not 0 and int some ? some : (int)first.Size;
        int namesIndex = U16(sizes + 10) is not SHN_XINDEX and int index ? index : (int)first.Link;
        Segments = [.. Enumerable.Range(0, segmentCount).Select(i => ReadSegment(table + (i * U16(sizes + 2))))];
        Section[] raw = [.. Enumerable.Range(0, sectionCount).Select(i => ReadSection(sections + (i * sectionSize)))];
        int names = (int)raw[namesIndex].Offset;
        Sections = [.. raw.Select(section => section with { Name = Text(names + (int)section.NameOffset) })];
        Symbols = [.. ReadSymbols()];
        SegmentTable = ((ulong)table, (ulong)(segmentCount * U16(sizes + 2)));
        SectionTable = ((ulong)sections, (ulong)(sectionCount * sectionSize));
    }

    public readonly record struct Segment(
        uint Type, uint Flags, ulong Offset, ulong Address, ulong FileSize, ulong MemorySize, ulong Alignment);

    public readonly record struct Section(
        uint NameOffset, uint Type, ulong Flags, ulong Address, ulong Offset, ulong Size, uint Link, uint Info, ulong Alignment,
        ulong EntrySize)
    {
        public string Name { get; init; } = "";
    }

    public readonly record struct Symbol(string Name, int Binding, int Type, int Section, ulong Value, ulong Size);

    public ulong Entry => Word(24);

    public bool Is64Bit => _is64Bit;

    public ulong Size => (ulong)_file.Length;

    public (ulong Offset, ulong Size) SegmentTable { get; }

    public (ulong Offset, ulong Size) SectionTable { get; }

    public IReadOnlyList<Segment> Segments { get; }

    public IReadOnlyList<Section> Sections { get; }

    public IReadOnlyList<Symbol> Symbols { get; }

    public IEnumerable<Segment> Loads => Segments.Where(segment => segment.Type is 1);

    public static ImageExecutable Of(LinkedImage image)
    {
        using var stream = new MemoryStream();
        image.WriteExecutable(stream);
        return new ImageExecutable(stream.ToArray());
    }

    public Section Named(string name) => Sections.Single(section => section.Name == name);

    public Symbol SymbolNamed(string name) => Symbols.Single(symbol => symbol.Name == name);

    /// <summary>Memory as the system maps it; null where nothing is mapped.</summary>
    public byte[]? Read(ulong address, ulong size)
    {
        foreach (Segment load in Loads)
        {
            if (load.Address <= address && address + size <= load.Address + load.MemorySize)
            {
                byte[] bytes = new byte[size];
                for (ulong i = 0; i < size && address - load.Address + i < load.FileSize; i++)
                {
                    bytes[i] = _file[load.Offset + (address - load.Address) + i];
                }

                return bytes;
            }
        }

        return null;
    }

    /// <summary>Bytes of the file.</summary>
    public ReadOnlySpan<byte> Slice(ulong offset, ulong size) => _file.AsSpan((int)offset, (int)size);

    public int U16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_file.AsSpan(offset));

    private uint U32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_file.AsSpan(offset));

    private ulong Word(int offset) => _is64Bit ? BinaryPrimitives.ReadUInt64LittleEndian(_file.AsSpan(offset)) : U32(offset);

    private string Text(int offset) => Encoding.UTF8.GetString(_file.AsSpan(offset, Array.IndexOf(_file, (byte)0, offset) - offset));

    private Segment ReadSegment(int at) => _is64Bit
        ? new(U32(at), U32(at + 4), Word(at + 8), Word(at + 16), Word(at + 32), Word(at + 40), Word(at + 48))
        : new(U32(at), U32(at + 24), Word(at + 4), Word(at + 8), Word(at + 16), Word(at + 20), Word(at + 28));

    private Section ReadSection(int at)
    {
        int word = _is64Bit ? 8 : 4;
        int address = at + 8 + word;
        int link = address + (3 * word);
        return new(
            U32(at), U32(at + 4), Word(at + 8), Word(address), Word(address + word), Word(address + (2 * word)), U32(link),
            U32(link + 4), Word(link + 8), Word(link + 8 + word));
    }

    private IEnumerable<Symbol> ReadSymbols()
    {
        int tableIndex = Enumerable.Range(0, Sections.Count).SingleOrDefault(i => Sections[i].Type is 2);
        if (tableIndex is 0)
        {
            yield break; // stripped
        }

        Section table = Sections[tableIndex];
        int names = (int)Sections[(int)table.Link].Offset;
        int extended = (int)Sections.FirstOrDefault(section => section.Type is 18 && section.Link == tableIndex).Offset;
        int size = _is64Bit ? 24 : 16;
        for (int at = (int)table.Offset + size; at < (int)(table.Offset + table.Size); at += size)
        {
            int info = at + (_is64Bit ? 4 : 12);
            int value = at + (_is64Bit ? 8 : 4);
            int section = U16(info + 2) is not SHN_XINDEX and int index
                ? index
                : (int)U32(extended + ((at - (int)table.Offset) / size * sizeof(uint)));
            yield return new Symbol(
                Text(names + (int)U32(at)), _file[info] >> 4, _file[info] & 15, section, Word(value),
                Word(value + (_is64Bit ? 8 : 4)));
        }
    }
}
