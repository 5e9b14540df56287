using System.Buffers.Binary;
using System.Text;

namespace ElfLoader.Tests.Linking;

/// <summary>An executable of either class as the gABI's tables say it is to be read, whoever wrote it.</summary>
internal sealed class ImageExecutable
{
    private readonly byte[] _file;
    private readonly bool _is64Bit;

    public ImageExecutable(byte[] file)
    {
        _file = file;
        _is64Bit = file[4] is 2; // ELFCLASS64
        int table = (int)Word(_is64Bit ? 32 : 28);
        int sizes = _is64Bit ? 52 : 40; // of the file's header, of a program header, their number, and of sections the same
        Segments = [.. Enumerable.Range(0, U16(sizes + 4)).Select(i => ReadSegment(table + (i * U16(sizes + 2))))];
        int sections = (int)Word(_is64Bit ? 40 : 32);
        Section[] raw =
            [.. Enumerable.Range(0, U16(sizes + 8)).Select(i => ReadSection(sections + (i * U16(sizes + 6))))];
        int names = (int)raw[U16(sizes + 10)].Offset;
        Sections = [.. raw.Select(section => section with { Name = Text(names + (int)section.NameOffset) })];
        Symbols = [.. ReadSymbols()];
    }

    public readonly record struct Segment(
        uint Type, uint Flags, ulong Offset, ulong Address, ulong FileSize, ulong MemorySize, ulong Alignment);

    public readonly record struct Section(
        uint NameOffset, uint Type, ulong Flags, ulong Address, ulong Offset, ulong Size, uint Link, uint Info, ulong Alignment)
    {
        public string Name { get; init; } = "";
    }

    public readonly record struct Symbol(string Name, int Binding, int Type, int Section, ulong Value, ulong Size);

    public ulong Entry => Word(24);

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
            U32(link + 4), Word(link + 8));
    }

    private IEnumerable<Symbol> ReadSymbols()
    {
        Section table = Sections.Single(section => section.Type is 2);
        int names = (int)Sections[(int)table.Link].Offset;
        int size = _is64Bit ? 24 : 16;
        for (int at = (int)table.Offset + size; at < (int)(table.Offset + table.Size); at += size)
        {
            int info = at + (_is64Bit ? 4 : 12);
            int value = at + (_is64Bit ? 8 : 4);
            yield return new Symbol(
                Text(names + (int)U32(at)), _file[info] >> 4, _file[info] & 15, U16(info + 2), Word(value),
                Word(value + (_is64Bit ? 8 : 4)));
        }
    }
}
