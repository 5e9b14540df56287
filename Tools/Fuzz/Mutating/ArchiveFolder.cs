using System.Diagnostics;
using ElfLoader.Elf;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>
/// Where archives are put that are to be read by their path, with what thin ones find next to them: the files that the seeds name, and a pipe, which nobody writes into. The folder is made
/// when it is first needed.
/// </summary>
/// <param name="members">The files.</param>
/// <param name="folder">The folder.</param>
internal sealed class ArchiveFolder(IReadOnlyDictionary<string, byte[]> members, string folder) : IDisposable
{
    private bool _isMade;

    /// <summary>Bytes of all files.</summary>
    internal long Size { get; } = members.Values.Sum(file => (long)file.Length);

    /// <summary>Gives a file without reading one.</summary>
    /// <exception cref="FileNotFoundException">There is none of this name.</exception>
    internal ReadOnlyMemory<byte> Open(string name) =>
        members.TryGetValue(name, out byte[]? file) ? file : throw new FileNotFoundException($"no '{name}'");

    /// <summary>Reads an archive as users have it read: by its path, its members from where it lies.</summary>
    /// <exception cref="LinkException">It is malformed.</exception>
    internal Archive Read(byte[] archive, ReadLimits limits)
    {
        var inputs = new InputFiles(limits);
        inputs.Add(Write(archive));
        return inputs.Archives[0];
    }

    /// <summary>Puts an archive there.</summary>
    /// <returns>Its path.</returns>
    internal string Write(byte[] archive)
    {
        Make();
        string path = Path.Combine(folder, "mutant.a");
        File.WriteAllBytes(path, archive);
        return path;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isMade)
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void Make()
    {
        if (_isMade)
        {
            return;
        }

        _isMade = true;
        _ = Directory.CreateDirectory(folder);
        foreach ((string name, byte[] bytes) in members)
        {
            File.WriteAllBytes(Path.Combine(folder, name), bytes);
        }

        string pipe = Path.Combine(folder, "pipe");
        if (!File.Exists(pipe))
        {
            using Process made = Process.Start("mkfifo", [pipe]);
            made.WaitForExit();
        }
    }
}
