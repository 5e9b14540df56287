using ElfLoader.Elf;

namespace ElfLoader;

/// <summary>A file as <see cref="InputFiles"/> reads it, by itself: what it is, and that in a form that has been checked.</summary>
internal sealed class InputFile
{
    private static readonly FileStreamOptions Opening = new()
    {
        Access = FileAccess.Read,
        Share = FileShare.ReadWrite | FileShare.Delete,
        BufferSize = 0,
    };

    private InputFile(string path, FileKind kind)
    {
        Path = path;
        Kind = kind;
    }

    /// <summary>Where it is.</summary>
    internal string Path { get; }

    /// <summary>What it is.</summary>
    internal FileKind Kind { get; }

    /// <summary>Its bytes, where it cannot be read again; else none.</summary>
    internal ReadOnlyMemory<byte> ReadOnce { get; private set; }

    /// <summary>It, where it is an object.</summary>
    internal ElfObject? Object { get; private init; }

    /// <summary>It, where it is an archive.</summary>
    internal Archive? Archive { get; private init; }

    /// <summary>What it names, where it is a linker script.</summary>
    internal IReadOnlyList<string> Inputs { get; private init; } = [];

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="names">Its name for messages.</param>
    /// <param name="limits">Limits of what it may claim.</param>
    /// <exception cref="LinkException">It cannot be read, or is none of the kinds.</exception>
    internal static InputFile Read(string path, InputNames names, ReadLimits limits) => Read(path, names, Memory<byte>.Empty, limits);

    /// <summary>Reads a file into room that the caller has for it.</summary>
    /// <remarks>
    /// It is opened once, and read once to its end: what a pipe has given, it does not give again.
    /// </remarks>
    /// <param name="path">Its path.</param>
    /// <param name="names">Its name for messages.</param>
    /// <param name="room">Room for as many bytes as the file had; where it has others by now, it gets room of its own.</param>
    /// <param name="limits">Limits of what it may claim.</param>
    /// <exception cref="LinkException">It cannot be read, or is none of the kinds.</exception>
    internal static InputFile Read(string path, InputNames names, Memory<byte> room, ReadLimits limits)
    {
        ReadOnlyMemory<byte> bytes;
        bool canReadAgain;
        try
        {
            using FileStream file = File.Open(path, Opening);
            canReadAgain = file.CanSeek;
            bytes = canReadAgain && !room.IsEmpty && file.Length == room.Length
                && file.ReadAtLeast(room.Span, room.Length, throwOnEndOfStream: false) == room.Length
                ? room
                : ReadToEnd(file, limits);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw FileFault.Reading(path, exception);
        }
        catch (OutOfMemoryException exception)
        {
            throw MemoryShortage.Of(path, "read it", exception);
        }

        InputFile input = Of(path, names.Of(path), bytes, limits, canReadAgain);
        input.ReadOnce = canReadAgain ? default : bytes;
        return input;
    }

    /// <summary>Reads a file whose path comes from another file, and not from the caller.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="files">The files that have been named before.</param>
    /// <param name="names">Its name for messages.</param>
    /// <param name="limits">Limits of what it may claim.</param>
    /// <exception cref="LinkException">It cannot be read, or is none of the kinds.</exception>
    internal static InputFile ReadNamed(string path, MemberFiles files, InputNames names, ReadLimits limits)
    {
        try
        {
            return Of(path, names.Of(path), files.Read(path), limits, canReadAgain: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw FileFault.Reading(path, exception);
        }
        catch (OutOfMemoryException exception)
        {
            throw MemoryShortage.Of(path, "read it", exception);
        }
    }

    /// <summary>Takes what somebody else has read.</summary>
    /// <param name="bytes">All bytes of it.</param>
    /// <param name="name">What messages call it; files that it names are looked for beside this.</param>
    /// <param name="limits">Limits of what it may claim.</param>
    /// <exception cref="LinkException">It is none of the kinds.</exception>
    internal static InputFile Of(ReadOnlyMemory<byte> bytes, string name, ReadLimits limits)
    {
        InputFile input = Of(name, System.IO.Path.GetFileName(name), bytes, limits, canReadAgain: false);
        input.ReadOnce = bytes;
        return input;
    }

    private static InputFile Of(string path, string name, ReadOnlyMemory<byte> bytes, ReadLimits limits, bool canReadAgain)
    {
        FileKind kind = FileKind.Detect(bytes.Span);
        switch (kind)
        {
            case FileKind.Archive or FileKind.ThinArchive:
                string folder = System.IO.Path.GetDirectoryName(path) ?? "";
                return new InputFile(path, kind)
                {
                    Archive = Archive.Read(bytes, name, NamedFile.MembersFrom(folder, limits), limits),
                };
            case FileKind.SharedObject when !canReadAgain:
                throw new LinkException(
                    LinkErrorCode.File,
                    new LinkLocation(path),
                    "this is a shared library, which the system's loader opens itself: give the path of a file, not of a pipe");
            case FileKind.SharedObject:
                return new InputFile(path, kind);
            case FileKind.LinkerScript:
                return new InputFile(path, kind) { Inputs = LinkerScript.Read(bytes.Span, name) };
            default: // an object, or the reader says what is wrong with it
                return new InputFile(path, kind) { Object = ElfObject.Read(bytes, name, limits) };
        }
    }

    private static byte[] ReadToEnd(FileStream file, ReadLimits limits)
    {
        if (file.CanSeek)
        {
            file.Position = 0;
        }

        return InputBytes.Read(file, limits);
    }
}
