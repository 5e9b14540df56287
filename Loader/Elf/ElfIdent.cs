namespace ElfLoader.Elf;

/// <summary>
/// e_ident: what can be said of a file before its class is known (gABI chapter 2, "ELF Identification").
/// </summary>
internal static class ElfIdent
{
    /// <summary>Index of EI_CLASS.</summary>
    public const int Class = 4;

    /// <summary>Index of EI_DATA.</summary>
    public const int Data = 5;

    /// <summary>Index of EI_VERSION.</summary>
    public const int Version = 6;

    /// <summary>Index of EI_OSABI.</summary>
    public const int OsAbi = 7;

    /// <summary>The four bytes that every ELF file begins with.</summary>
    public static ReadOnlySpan<byte> Magic => [0x7f, (byte)'E', (byte)'L', (byte)'F'];

    /// <summary>Refuses what is not little-endian ELF of a known class and version, saying what it is.</summary>
    /// <exception cref="LinkException">Always, unless it is.</exception>
    public static void Check(ReadOnlySpan<byte> file, string name)
    {
        if (!file.StartsWith(Magic))
        {
            throw NotElf(file, name);
        }

        if (file.Length < FileHeader.IdentSize)
        {
            throw Fault(LinkErrorCode.Malformed, name, file.Length,
                $"ELF identification of {FileHeader.IdentSize} bytes ends past the {file.Length} bytes of the file");
        }

        if (file[Class] is not (ElfConstants.ELFCLASS32 or ElfConstants.ELFCLASS64))
        {
            throw Fault(LinkErrorCode.Malformed, name, Class, $"ELF class {file[Class]} is neither 1 nor 2");
        }

        switch (file[Data])
        {
            case ElfConstants.ELFDATA2LSB:
                break;
            case ElfConstants.ELFDATA2MSB:
                throw Fault(LinkErrorCode.Unsupported, name, Data,
                    "big-endian object; only little-endian objects can be loaded");
            default:
                throw Fault(LinkErrorCode.Malformed, name, Data, $"ELF data encoding {file[Data]} is neither 1 nor 2");
        }

        if (file[Version] != ElfConstants.EV_CURRENT)
        {
            throw Fault(LinkErrorCode.Malformed, name, Version, $"ELF version {file[Version]} is not 1");
        }
    }

    /// <summary>The error for an ELF file of another type than ET_REL.</summary>
    public static LinkException NotRelocatable(ushort type, string name) => type switch
    {
        ElfConstants.ET_EXEC => Fault(LinkErrorCode.Unsupported, name, FileHeader.IdentSize,
            "executable; only relocatable objects can be loaded"),
        ElfConstants.ET_DYN => Fault(LinkErrorCode.Unsupported, name, FileHeader.IdentSize,
            "shared object; only relocatable objects can be loaded, a shared library can be resolved against"),
        ElfConstants.ET_CORE => Fault(LinkErrorCode.Unsupported, name, FileHeader.IdentSize,
            "core file; only relocatable objects can be loaded"),
        _ => Fault(LinkErrorCode.Malformed, name, FileHeader.IdentSize,
            $"ELF file type {type} is not that of a relocatable object, 1"),
    };

    private static LinkException NotElf(ReadOnlySpan<byte> file, string name)
    {
        if (file.IsEmpty)
        {
            return new LinkException(LinkErrorCode.Malformed, new LinkLocation(name), "the file is empty");
        }

        string? known = file switch
        {
            [(byte)'!', (byte)'<', (byte)'a' or (byte)'t', ..] => "archive; an object is needed here",
            [(byte)'B', (byte)'C', 0xc0, 0xde, ..] =>
                "LLVM bitcode; compile it to an object, without -flto or -emit-llvm",
            [0xcf or 0xce, 0xfa, 0xed, 0xfe, ..] => "Mach-O file; only ELF objects can be loaded",
            [0x64, 0x86, ..] or [0x4c, 0x01, ..] => "COFF object; only ELF objects can be loaded",
            [(byte)'M', (byte)'Z', ..] => "Windows executable; only ELF objects can be loaded",
            _ => null,
        };
        return known is null
            ? Fault(LinkErrorCode.Malformed, name, 0, "not an ELF file: it does not begin with 7f 45 4c 46")
            : Fault(LinkErrorCode.Unsupported, name, 0, known);
    }

    private static LinkException Fault(LinkErrorCode code, string name, int offset, string message) =>
        new(code, new LinkLocation(name, Offset: (ulong)offset), message);
}
