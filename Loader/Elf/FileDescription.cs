namespace ElfLoader.Elf;

/// <summary>Says what a file is, whether it can be loaded or not.</summary>
public static class FileDescription
{
    private const int MachineEnd = FileHeader.IdentSize + (2 * sizeof(ushort));

    /// <summary>Describes a file; never throws.</summary>
    /// <param name="file">The file, or at least its first kilobyte.</param>
    /// <returns>A noun with what is known beside it: <c>big-endian object for PowerPC64</c>, <c>WebAssembly module</c>.</returns>
    public static string Of(ReadOnlySpan<byte> file)
    {
        if (file.StartsWith(ElfIdent.Magic))
        {
            return OfElf(file);
        }

        return FileKind.Detect(file) switch
        {
            _ when file.IsEmpty => "empty file",
            FileKind.LinkerScript => "linker script",
            _ => ForeignFormats.Recognize(file).Name ?? "data of an unknown kind",
        };
    }

    /// <summary>Describes an ELF file.</summary>
    internal static string OfElf(ReadOnlySpan<byte> file)
    {
        if (file.Length < MachineEnd)
        {
            return "beginning of an ELF file";
        }

        bool isBigEndian = file[ElfIdent.Data] == ElfConstants.ELFDATA2MSB;
        ushort type = Half(file, FileHeader.IdentSize, isBigEndian);
        ushort machine = Half(file, FileHeader.IdentSize + sizeof(ushort), isBigEndian);
        string noun = type switch
        {
            ElfConstants.ET_EXEC => "executable",
            ElfConstants.ET_DYN => "shared object",
            ElfConstants.ET_CORE => "core file",
            _ => "object", // and what is no type at all, which reading it tells
        };
        string machineName = ElfMachines.Find(machine, file[ElfIdent.Class] == ElfConstants.ELFCLASS64) is { } name
            ? $" for {name}"
            : "";
        return $"{(isBigEndian ? "big-endian " : "")}{noun}{machineName}";
    }

    private static ushort Half(ReadOnlySpan<byte> file, int offset, bool isBigEndian) => isBigEndian
        ? (ushort)((file[offset] << 8) | file[offset + 1])
        : (ushort)(file[offset] | (file[offset + 1] << 8));
}
