using System.Text;
using ElfLoader.Memory;

namespace ElfLoader.Tools.Output;

/// <summary>
/// Writes the files that commands make. A file is written beside the one that it replaces, which is there, whole, until the new
/// one is: it may be running, or what is written may fail. Pipes, devices and the standard streams are written to as they are.
/// </summary>
internal static class OutputFile
{
    /// <summary>What everybody may do with a program, as far as the user's umask permits.</summary>
    private const UnixFileMode ProgramMode = TextMode
        | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const UnixFileMode TextMode = UnixFileMode.UserRead | UnixFileMode.UserWrite
        | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Symbolic links that lead from one to another, at most: as Linux has it.</summary>
    private const int MostLinks = 40;

    /// <summary>Bytes of a file's name that are kept in the name of the unfinished one: systems have 255.</summary>
    private const int LongestName = 200;

    private const int MostAttempts = 100;

    /// <summary>Links in there lead to what is open, which need not have the name that they show.</summary>
    private static readonly string[] OpenFiles = ["/proc/", "/dev/fd/"];

    private static readonly string[] StandardOutputs = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

    /// <summary>Writes a program.</summary>
    /// <exception cref="LinkException">It cannot be written; no part of it is left behind.</exception>
    internal static void WriteProgram(string path, Action<Stream> write) => Write(path, write, isProgram: true);

    /// <summary>Writes anything else.</summary>
    /// <exception cref="LinkException">It cannot be written; no part of it is left behind.</exception>
    internal static void Write(string path, Action<Stream> write) => Write(path, write, isProgram: false);

    /// <summary>Where a path leads in the end; null where that is no file with contents, nor a place for one.</summary>
    internal static string? PlaceOf(string path)
    {
        string place = path;
        for (int i = 0; i < MostLinks; i++)
        {
            string full = Path.GetFullPath(place);
            if (OpenFiles.Any(folder => full.StartsWith(folder, StringComparison.Ordinal)))
            {
                return null;
            }

            if (new FileInfo(place).LinkTarget is not { } target)
            {
                return FileStatus.Of(place) is { IsRegular: false } ? null : place;
            }

            place = Path.Combine(Path.GetDirectoryName(full)!, target);
        }

        return null;
    }

    private static void Write(string path, Action<Stream> write, bool isProgram)
    {
        string unfinished = "";
        try
        {
            if (PlaceOf(path) is { } place)
            {
                Replace(place, write, isProgram, out unfinished);
                return;
            }

            using Stream there = StandardOutputs.Contains(path)
                ? new StandardOutput()
                : new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            write(there);
        }
        catch (Exception exception) when (WritingFault.Is(exception))
        {
            string reason = WritingFault.Reason(path, exception);
            string message = unfinished is "" ? reason : reason.Replace(unfinished, path, StringComparison.Ordinal);
            throw new LinkException(exception, [new LinkError(LinkErrorCode.File, new LinkLocation(path is "" ? "''" : path), message)]);
        }
    }

    private static void Replace(string place, Action<Stream> write, bool isProgram, out string unfinished)
    {
        using FileStream stream = CreateBeside(place, isProgram, out unfinished);
        try
        {
            write(stream);
            stream.Dispose();
            if (isProgram)
            {
                // As linkers do: to replace the old one by renaming would have ext4 write the new one to the disk at once.
                File.Delete(place);
            }

            File.Move(unfinished, place, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }

    /// <summary>Creates a file that nobody had before, so that nobody else's is changed or removed.</summary>
    private static FileStream CreateBeside(string place, bool isProgram, out string unfinished)
    {
        string full = Path.GetFullPath(place);
        string name = Path.GetFileName(full);
        while (Encoding.UTF8.GetByteCount(name) > LongestName)
        {
            name = name[..^1];
        }

        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = isProgram ? ProgramMode
                : File.Exists(place) ? File.GetUnixFileMode(place)
                : TextMode;
        }

        for (int attempt = 0; ; attempt++)
        {
            string number = attempt is 0 ? "" : $".{attempt}";
            unfinished = Path.Combine(Path.GetDirectoryName(full)!, $"{name}.{Environment.ProcessId}{number}.part");
            try
            {
                return new FileStream(unfinished, options);
            }
            catch (IOException) when (attempt < MostAttempts && IsTaken(unfinished))
            {
                // Of a process that died, and had the same number; or of somebody who waits for us to write into it.
            }
        }
    }

    private static bool IsTaken(string path) => Path.Exists(path) || new FileInfo(path).LinkTarget is not null;
}
