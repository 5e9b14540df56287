using ElfLoader.Memory;

namespace ElfLoader.Tools.Arguments;

/// <summary>Where an argument comes from that stood in a response file.</summary>
/// <param name="File">The response file.</param>
internal readonly record struct ResponseFileToken(string File)
{
    /// <summary>Refuses a path that the response file must not name.</summary>
    /// <exception cref="CommandLineException">It leads out of the response file's folder.</exception>
    internal void Check(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(File))!;
        string parent = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        bool isWithin = Path.Exists(path)
            ? NamedFile.IsWithin(path, folder)
            : NamedFile.IsWithin(parent, folder) || RealPath.Of(parent) == RealPath.Of(folder); // it is going to be written
        if (!isWithin)
        {
            throw new CommandLineException(
                $"@{File}: '{path}' is not in the folder of this file, and {CommandTokens.NoExternalFiles} is given");
        }
    }
}
