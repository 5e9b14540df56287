using System.Buffers.Binary;
using System.Text.Unicode;

namespace ElfLoader.Elf;

/// <summary>Files that people give to a linker by mistake, told by their first bytes.</summary>
internal static class ForeignFormats
{
    private const string NeedsElf = "only ELF objects can be loaded";
    private const string Unpack = "unpack it first";

    /// <summary>Bytes that tell text from data, as a person who looks at the file's first lines would.</summary>
    private const int TextSample = 512;

    /// <summary>The first row that fits counts.</summary>
    private static readonly (byte[] Magic, string Name, string Advice)[] Rows =
    [
        ([(byte)'B', (byte)'C', 0xc0, 0xde], "LLVM bitcode", "compile it to an object, without -flto or -emit-llvm"),
        ([0xde, 0xc0, 0x17, 0x0b], "LLVM bitcode", "compile it to an object, without -flto or -emit-llvm"),
        ([0x00, (byte)'a', (byte)'s', (byte)'m'], "WebAssembly module", NeedsElf),
        ([0x1f, 0x8b], "gzip-compressed file", Unpack),
        ([0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0x00], "xz-compressed file", Unpack),
        ([0x28, 0xb5, 0x2f, 0xfd], "zstd-compressed file", Unpack),
        ([(byte)'B', (byte)'Z', (byte)'h'], "bzip2-compressed file", Unpack),
        ([(byte)'P', (byte)'K', 3, 4], "zip file", Unpack),
        ([(byte)'g', (byte)'p', (byte)'c', (byte)'h'], "precompiled header", "compile the source that includes it"),
        ([(byte)'C', (byte)'P', (byte)'C', (byte)'H'], "precompiled header", "compile the source that includes it"),
        ([0x00, 0x00, 0xff, 0xff], "COFF object", NeedsElf), // of many sections, or one that names a library's function
        ([0x64, 0x86], "COFF object for x86-64", NeedsElf),
        ([0x4c, 0x01], "COFF object for i386", NeedsElf),
        ([0x64, 0xaa], "COFF object for AArch64", NeedsElf),
        ([0xc4, 0x01], "COFF object for ARM", NeedsElf),
        ([0x01, 0xdf], "XCOFF object", NeedsElf),
        ([0x01, 0xf7], "XCOFF object", NeedsElf),
        ([(byte)'M', (byte)'Z'], "Windows executable", NeedsElf),
        ("#!"u8.ToArray(), "script", NeedsElf),
        ([(byte)'7', (byte)'z', 0xbc, 0xaf, 0x27, 0x1c], "7-Zip archive", Unpack),
        ([(byte)'R', (byte)'a', (byte)'r', (byte)'!', 0x1a, 0x07], "RAR archive", Unpack),
        ([0x04, 0x22, 0x4d, 0x18], "lz4-compressed file", Unpack),
        ([0x1f, 0x9d], "compress-compressed file", Unpack),
        ([(byte)'%', (byte)'P', (byte)'D', (byte)'F', (byte)'-'], "PDF document", NeedsElf),
        ([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a], "PNG image", NeedsElf),
        ([0xff, 0xd8, 0xff], "JPEG image", NeedsElf),
        ([(byte)'d', (byte)'e', (byte)'x', 0x0a], "Dalvik bytecode", NeedsElf),
    ];

    /// <summary>What has its magic bytes further on.</summary>
    private static readonly (int Offset, byte[] Magic, string Name, string Advice)[] Further =
    [
        (257, "ustar"u8.ToArray(), "tar archive", "extract the objects from it first"), // POSIX.1, "ustar Interchange Format"
        (1, [0x0d, 0x0d, 0x0a], "Python bytecode", NeedsElf), // of 3.8 to 3.13: a number of the version, then a line's end
        (1, [0x0e, 0x0d, 0x0a], "Python bytecode", NeedsElf),
    ];

    /// <summary>CPU types of Mach-O, without the bit for 64-bit addresses (<c>mach/machine.h</c>).</summary>
    private static readonly (uint Type, string Name, string In64Bits)[] MachOMachines =
        [(7, "i386", "x86-64"), (12, "ARM", "AArch64"), (18, "PowerPC", "PowerPC64")];

    /// <summary>Recognizes a file.</summary>
    /// <param name="file">The file, or at least its first kilobyte; not that of an ELF file.</param>
    /// <returns>What it is, and what to do; nulls where it is data that nobody here knows.</returns>
    internal static (string? Name, string? Advice) Recognize(ReadOnlySpan<byte> file)
    {
        if (file.StartsWith(Archive.Magic) || file.StartsWith(Archive.ThinMagic))
        {
            return (file.StartsWith(Archive.Magic) ? "archive" : "thin archive", "an object is needed here");
        }

        if (MachO(file) is { } name)
        {
            return (name, NeedsElf);
        }

        foreach ((byte[] magic, string format, string advice) in Rows)
        {
            if (file.StartsWith(magic))
            {
                return (format, advice);
            }
        }

        foreach ((int offset, byte[] magic, string format, string advice) in Further)
        {
            if (file.Length > offset && file[offset..].StartsWith(magic))
            {
                return (format, advice);
            }
        }

        return LooksLikeText(file) ? ("text", null) : (null, null);
    }

    private static string? MachO(ReadOnlySpan<byte> file)
    {
        const uint narrow = 0xfeed_face;
        const uint wide = 0xfeed_facf;
        const uint fat = 0xcafe_babe;
        const int firstJavaVersion = 45; // stands where a universal file has the number of its parts
        if (file.Length < sizeof(uint))
        {
            return null;
        }

        uint little = BinaryPrimitives.ReadUInt32LittleEndian(file);
        uint big = BinaryPrimitives.ReadUInt32BigEndian(file);
        if (big is fat)
        {
            bool isJava = file.Length >= 8 && BinaryPrimitives.ReadUInt32BigEndian(file[4..]) >= firstJavaVersion;
            return isJava ? "Java class" : "Mach-O file for several machines";
        }

        bool isLittle = little is narrow or wide;
        if (!isLittle && big is not (narrow or wide))
        {
            return null;
        }

        if (file.Length < 8)
        {
            return "Mach-O file";
        }

        uint type = isLittle
            ? BinaryPrimitives.ReadUInt32LittleEndian(file[4..])
            : BinaryPrimitives.ReadUInt32BigEndian(file[4..]);
        const uint wideBit = 0x0100_0000;
        foreach ((uint known, string name, string in64Bits) in MachOMachines)
        {
            if (known == (type & ~wideBit))
            {
                return $"Mach-O file for {((type & wideBit) != 0 ? in64Bits : name)}";
            }
        }

        return "Mach-O file";
    }

    private static bool LooksLikeText(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> start = file[..Math.Min(file.Length, TextSample)];
        if (start.StartsWith((ReadOnlySpan<byte>)[0xff, 0xfe]) || start.StartsWith((ReadOnlySpan<byte>)[0xfe, 0xff]))
        {
            return true; // the mark that UTF-16 begins with
        }

        foreach (byte value in start)
        {
            if (value < ' ' && value is not ((byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f' or 0x1b))
            {
                return false;
            }
        }

        // The sample may end within a character.
        for (int cut = 0; cut < 4 && cut <= start.Length; cut++)
        {
            if (Utf8.IsValid(start[..^cut]))
            {
                return !start.IsEmpty;
            }
        }

        return false;
    }
}
