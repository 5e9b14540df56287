using ElfLoader.Elf;
using Microsoft.Win32.SafeHandles;

namespace ElfLoader;

/// <summary>A file as <see cref="InputFiles"/> reads it, by itself: what it is, and that in a form that has been checked.</summary>
internal sealed class InputFile
{
    private InputFile(string path, FileKind kind)
    {
        Path = path;
        Kind = kind;
    }

    /// <summary>Where it is.</summary>
    internal string Path { get; }

    /// <summary>What it is.</summary>
    internal FileKind Kind { get; }

    /// <summary>It, where it is an object.</summary>
    internal ElfObject? Object { get; private init; }

    /// <summary>It, where it is an archive.</summary>
    internal Archive? Archive { get; private init; }

    /// <summary>What it names, where it is a linker script.</summary>
    internal IReadOnlyList<string> Inputs { get; private init; } = [];

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="limits">Limits of what it may claim.</param>
    /// <param name="namedFrom">The folder of the file that the path comes from; null where it comes from the caller.</param>
    /// <exception cref="LinkException">It cannot be read, or is none of the kinds.</exception>
    internal static InputFile Read(string path, ReadLimits limits, string? namedFrom = null) =>
        Of(path, ReadBytes(path, limits, namedFrom), limits);

    /// <summary>Reads a file into room that the caller has for it.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="room">Room for as many bytes as the file had; where it has others by now, it gets room of its own.</param>
    /// <param name="limits">Limits of what it may claim.</param>
    /// <exception cref="LinkException">It cannot be read, or is none of the kinds.</exception>
    internal static InputFile Read(string path, Memory<byte> room, ReadLimits limits)
    {
        bool isComplete;
        try
        {
            using SafeFileHandle file = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            isComplete = !room.IsEmpty && RandomAccess.GetLength(file) == room.Length && TryFill(file, room.Span);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Unreadable(path, exception);
        }

        return isComplete ? Of(path, room, limits) : Read(path, limits);
    }

    private static InputFile Of(string path, ReadOnlyMemory<byte> bytes, ReadLimits limits)
    {
        string name = System.IO.Path.GetFileName(path);
        FileKind kind = FileKind.Detect(bytes.Span);
        switch (kind)
        {
            case FileKind.Archive or FileKind.ThinArchive:
                string folder = System.IO.Path.GetDirectoryName(path) ?? "";
                return new InputFile(path, kind)
                {
                    Archive = Archive.Read(bytes, name, NamedFile.MembersFrom(folder, limits), limits),
                };
            case FileKind.SharedObject:
                return new InputFile(path, kind);
            case FileKind.LinkerScript:
                return new InputFile(path, kind) { Inputs = LinkerScript.Read(bytes.Span, name) };
            default: // an object, or the reader says what is wrong with it
                return new InputFile(path, kind) { Object = ElfObject.Read(bytes, name, limits) };
        }
    }

    private static byte[] ReadBytes(string path, ReadLimits limits, string? namedFrom)
    {
        try
        {
            return namedFrom is null ? File.ReadAllBytes(path) : NamedFile.Read(path, namedFrom, limits);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Unreadable(path, exception);
        }
    }

    private static bool TryFill(SafeFileHandle file, Span<byte> room)
    {
        for (int done = 0; done < room.Length;)
        {
            int count = RandomAccess.Read(file, room[done..], done);
            if (count is 0)
            {
                return false;
            }

            done += count;
        }

        return true;
    }

    private static LinkException Unreadable(string path, Exception exception) =>
        new(exception, [new LinkError(LinkErrorCode.File, new LinkLocation(path), exception.Message)]);
}
