using ElfLoader.Tools.Output;

namespace ElfLoader.Tools.Linking;

/// <summary>Links images and writes them to files.</summary>
internal static class ImageWriting
{
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
        catch (LinkException exception)
        {
            throw HostLibraryAdvice.AddTo(exception);
        }
    }

    /// <summary>Writes an executable file.</summary>
    /// <exception cref="LinkException">It cannot be written; no part of it is left behind.</exception>
    internal static void Write(LinkedImage image, string path) => OutputFile.WriteProgram(path, image.WriteExecutable);
}
