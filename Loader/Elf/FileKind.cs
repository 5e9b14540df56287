namespace ElfLoader.Elf;

/// <summary>What a file is, by its first bytes.</summary>
public enum FileKind
{
    /// <summary>None of the others.</summary>
    Unknown,

    /// <summary>ELF relocatable object.</summary>
    Object,

    /// <summary>ELF shared object, or position-independent executable.</summary>
    SharedObject,

    /// <summary>ELF executable at fixed addresses.</summary>
    Executable,

    /// <summary>Archive with its members in it.</summary>
    Archive,

    /// <summary>Archive that names its members' files.</summary>
    ThinArchive,

    /// <summary>Text that names other inputs, as of GNU ld.</summary>
    LinkerScript,
}

/// <summary>Tells the kinds of files apart.</summary>
public static class FileKindDetection
{
    extension(FileKind)
    {
        /// <summary>Tells what a file is; never throws.</summary>
        /// <param name="file">The file, or at least its first kilobyte.</param>
        public static FileKind Detect(ReadOnlySpan<byte> file)
        {
            if (file.StartsWith(ElfIdent.Magic))
            {
                return DetectElf(file);
            }

            return file switch
            {
                _ when file.StartsWith(Archive.Magic) => FileKind.Archive,
                _ when file.StartsWith(Archive.ThinMagic) => FileKind.ThinArchive,
                _ when LinkerScript.LooksLikeOne(file) => FileKind.LinkerScript,
                _ => FileKind.Unknown,
            };
        }
    }

    private static FileKind DetectElf(ReadOnlySpan<byte> file)
    {
        if (file.Length < FileHeader.IdentSize + sizeof(ushort))
        {
            return FileKind.Unknown;
        }

        // A big-endian object is still an object; reading it says that it is big-endian.
        bool isBigEndian = file[ElfIdent.Data] == ElfConstants.ELFDATA2MSB;
        byte low = file[FileHeader.IdentSize + (isBigEndian ? 1 : 0)];
        byte high = file[FileHeader.IdentSize + (isBigEndian ? 0 : 1)];
        return (low | high << 8) switch
        {
            ElfConstants.ET_REL => FileKind.Object,
            ElfConstants.ET_EXEC => FileKind.Executable,
            ElfConstants.ET_DYN => FileKind.SharedObject,
            _ => FileKind.Unknown,
        };
    }
}
