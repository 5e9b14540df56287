using System.Buffers.Binary;
using System.Text;
using ElfLoader.Elf;

namespace ElfLoader.Fuzz.Differential;

/// <summary>An executable that a linker wrote: its sections, by address.</summary>
internal sealed class OutputImage
{
    private readonly byte[] _file;
    private readonly (SectionHeader Header, string Name)[] _sections;

    private OutputImage() => (_file, _sections) = ([], []);

    internal OutputImage(byte[] file)
    {
        _file = file;
        bool is64 = file[4] is ElfConstants.ELFCLASS64;
        int start = is64
            ? (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(40))
            : (int)BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(32));
        int size = is64 ? 64 : 40;
        int count = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(is64 ? 60 : 48));
        int names = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(is64 ? 62 : 50));
        SectionHeader[] headers =
        [
            .. Enumerable.Range(0, count).Select(i => is64
                ? SectionHeader.Read<Elf64>(file.AsSpan(start + (i * size), size))
                : SectionHeader.Read<Elf32>(file.AsSpan(start + (i * size), size))),
        ];
        ReadOnlySpan<byte> strings = file.AsSpan((int)headers[names].Offset, (int)headers[names].Size);
        _sections = new (SectionHeader, string)[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> name = strings[(int)headers[i].Name..];
            _sections[i] = (headers[i], Encoding.UTF8.GetString(name[..name.IndexOf((byte)0)]));
        }

        Array.Sort(_sections, (left, right) => left.Header.Address.CompareTo(right.Header.Address));
    }

    /// <summary>One without sections.</summary>
    internal static OutputImage None { get; } = new();

    /// <summary>Reads bytes; empty if they do not lie in one section.</summary>
    internal ReadOnlySpan<byte> Read(ulong address, int size)
    {
        int low = 0;
        int high = _sections.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = _sections[middle].Header.Address <= address ? (middle, high) : (low, middle - 1);
        }

        for (; low >= 0; low--)
        {
            SectionHeader header = _sections[low].Header;
            if (header.Has(ElfConstants.SHF_ALLOC) && header.Type is not ElfConstants.SHT_NOBITS
                && address >= header.Address && address - header.Address + (ulong)size <= header.Size)
            {
                return _file.AsSpan((int)(header.Offset + (address - header.Address)), size);
            }

            if (header.Address + 0x10_0000 < address)
            {
                break;
            }
        }

        return default;
    }
}
