using ElfLoader.Memory;

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
                $"ELF identification of {FileHeader.IdentSize} bytes ends past the {CountText.Of(file.Length, "byte")} of the file");
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
                    $"{FileDescription.OfElf(file)}; only little-endian objects can be loaded");
            default:
                throw Fault(LinkErrorCode.Malformed, name, Data, $"ELF data encoding {file[Data]} is neither 1 nor 2");
        }

        if (file[Version] != ElfConstants.EV_CURRENT)
        {
            throw Fault(LinkErrorCode.Malformed, name, Version, $"ELF version {file[Version]} is not 1");
        }
    }

    /// <summary>The error for an ELF file of another type than ET_REL.</summary>
    public static LinkException NotRelocatable(ushort type, ReadOnlySpan<byte> file, string name) => type switch
    {
        ElfConstants.ET_DYN => Fault(LinkErrorCode.Unsupported, name, FileHeader.IdentSize,
            $"{FileDescription.OfElf(file)}; only relocatable objects can be loaded, a shared library can be resolved against"),
        ElfConstants.ET_EXEC or ElfConstants.ET_CORE => Fault(LinkErrorCode.Unsupported, name, FileHeader.IdentSize,
            $"{FileDescription.OfElf(file)}; only relocatable objects can be loaded"),
        _ => Fault(LinkErrorCode.Malformed, name, FileHeader.IdentSize,
            $"ELF file type {type} is not that of a relocatable object, 1"),
    };

    private static LinkException NotElf(ReadOnlySpan<byte> file, string name)
    {
        if (file.IsEmpty)
        {
            return new LinkException(LinkErrorCode.Malformed, new LinkLocation(name), "the file is empty");
        }

        return ForeignFormats.Recognize(file) switch
        {
            (null, _) => Fault(LinkErrorCode.Malformed, name, 0, "not an ELF file: it does not begin with 7f 45 4c 46"),
            (string text, null) => Fault(LinkErrorCode.Malformed, name, 0,
                $"{text}, not an ELF file, and not a linker script that begins with GROUP or INPUT{SourceAdvice(name)}"),
            (string format, string advice) => Fault(LinkErrorCode.Unsupported, name, 0, $"{format}; {advice}"),
        };
    }

    /// <summary>What to do with the source of a program.</summary>
    private static string SourceAdvice(string name) =>
        Path.GetExtension(name) is ".c" or ".cc" or ".cpp" or ".cxx" or ".c++" or ".C" or ".i" or ".ii" or ".s" or ".S" or ".m" or ".mm"
            ? $"; compile it first: clang -c {name}" : "";

    private static LinkException Fault(LinkErrorCode code, string name, int offset, string message) =>
        new(code, new LinkLocation(name, Offset: (ulong)offset), message);
}
