namespace ElfLoader.Tools.Linking;

/// <summary>Links images and writes them to files.</summary>
internal static class ImageWriting
{
    /// <summary>What everybody may do with a program, as far as the user's umask permits.</summary>
    private const UnixFileMode ProgramMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>Links.</summary>
    /// <exception cref="CommandLineException">The options contradict each other or the objects.</exception>
    /// <exception cref="LinkException">The objects cannot be linked.</exception>
    internal static LinkedImage Link(InputFiles inputs, ImageOptions options)
    {
        try
        {
            return new ImageLinker(options).Link(inputs);
        }
        catch (ImageOptionException exception)
        {
            throw new CommandLineException(exception.Message);
        }
    }

    /// <summary>Writes an executable file. A file that was there is replaced, not changed: it may be running.</summary>
    /// <exception cref="LinkException">It cannot be written; no part of it is left behind.</exception>
    internal static void Write(LinkedImage image, string path)
    {
        try
        {
            if (path.StartsWith("/dev/", StringComparison.Ordinal)) // never to be replaced by a file
            {
                using FileStream device = File.OpenWrite(path);
                image.WriteExecutable(device);
                return;
            }

            WriteFile(image, path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LinkException(
                exception,
                [
                    new LinkError(
                        LinkErrorCode.File,
                        new LinkLocation(path),
                        exception.Message.Replace(Unfinished(path), path, StringComparison.Ordinal)),
                ]);
        }
    }

    private static void WriteFile(LinkedImage image, string path)
    {
        string unfinished = Unfinished(path);
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
            };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = ProgramMode;
            }

            using (var stream = new FileStream(unfinished, options))
            {
                image.WriteExecutable(stream);
            }

            // Linkers remove the old file: to replace it by renaming would have ext4 write the new one to the disk at once.
            File.Delete(path);
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static string Unfinished(string path) => $"{path}.{Environment.ProcessId}.part";
}
