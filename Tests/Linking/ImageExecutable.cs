using System.Buffers.Binary;
using System.Text;

namespace ElfLoader.Tests.Linking;

/// <summary>A 64-bit executable as the gABI's tables say it is to be read, whoever wrote it.</summary>
internal sealed class ImageExecutable
{
    private readonly byte[] _file;

    public ImageExecutable(byte[] file)
    {
        _file = file;
        int table = (int)U64(32);
        Segments = [.. Enumerable.Range(0, U16(56)).Select(i => ReadSegment(table + (i * U16(54))))];
        int sections = (int)U64(40);
        int count = U16(60);
        Section[] raw = [.. Enumerable.Range(0, count).Select(i => ReadSection(sections + (i * 64)))];
        int names = (int)raw[U16(62)].Offset;
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

    public ulong Entry => U64(24);

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

    private ulong U64(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(_file.AsSpan(offset));

    private string Text(int offset) => Encoding.UTF8.GetString(_file.AsSpan(offset, Array.IndexOf(_file, (byte)0, offset) - offset));

    private Segment ReadSegment(int at) => new(
        U32(at), U32(at + 4), U64(at + 8), U64(at + 16), U64(at + 32), U64(at + 40), U64(at + 48));

    private Section ReadSection(int at) => new(
        U32(at), U32(at + 4), U64(at + 8), U64(at + 16), U64(at + 24), U64(at + 32), U32(at + 40), U32(at + 44), U64(at + 48));

    private IEnumerable<Symbol> ReadSymbols()
    {
        Section table = Sections.Single(section => section.Type is 2);
        int names = (int)Sections[(int)table.Link].Offset;
        for (int at = (int)table.Offset + 24; at < (int)(table.Offset + table.Size); at += 24)
        {
            yield return new Symbol(
                Text(names + (int)U32(at)), _file[at + 4] >> 4, _file[at + 4] & 15, U16(at + 6), U64(at + 8), U64(at + 16));
        }
    }
}
