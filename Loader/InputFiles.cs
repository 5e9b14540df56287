using ElfLoader.Elf;

namespace ElfLoader;

/// <summary>Reads files and sorts them by kind: objects, archives, shared libraries, and linker scripts that name some.</summary>
/// <remarks>Files are read, not mapped: a file that is truncated while it is mapped would kill the process.</remarks>
public sealed class InputFiles
{
    /// <summary>Linker scripts may name linker scripts, but not without end.</summary>
    private const int MaximumDepth = 8;

    private static readonly string[] LibraryFolders =
        ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib", "/lib"];

    private readonly ReadLimits _limits;
    private readonly List<ElfObject> _objects = [];
    private readonly List<Archive> _archives = [];
    private readonly List<int> _objectsBefore = [];
    private readonly List<string> _sharedLibraries = [];

    /// <summary>Starts with no files.</summary>
    /// <param name="limits">Limits of what they may claim.</param>
    public InputFiles(ReadLimits? limits = null) => _limits = limits ?? ReadLimits.Default;

    /// <summary>The objects, in the order given.</summary>
    public IReadOnlyList<ElfObject> Objects => _objects;

    /// <summary>The archives, in the order given.</summary>
    public IReadOnlyList<Archive> Archives => _archives;

    /// <summary>For each archive how many objects were given before it: its members' place in an image.</summary>
    internal IReadOnlyList<int> ObjectsBeforeArchive => _objectsBefore;

    /// <summary>Paths of shared libraries, in the order given.</summary>
    public IReadOnlyList<string> SharedLibraries => _sharedLibraries;

    /// <summary>Reads one more file.</summary>
    /// <exception cref="LinkException">It cannot be read, or is none of the kinds.</exception>
    public void Add(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Add(path, MaximumDepth);
    }

    /// <summary>Adds an object that has been read.</summary>
    public void Add(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        _objects.Add(elf);
    }

    private void Add(string path, int depth)
    {
        byte[] bytes = Read(path);
        string name = Path.GetFileName(path);
        switch (FileKind.Detect(bytes))
        {
            case FileKind.Archive or FileKind.ThinArchive:
                string folder = Path.GetDirectoryName(path) ?? "";
                _objectsBefore.Add(_objects.Count);
                _archives.Add(Archive.Read(bytes, name, member => Read(Path.Combine(folder, member)), _limits));
                break;
            case FileKind.SharedObject:
                _sharedLibraries.Add(Path.GetFullPath(path));
                break;
            case FileKind.LinkerScript when depth > 0:
                foreach (string input in LinkerScript.Read(bytes, name))
                {
                    Add(Find(input, path), depth - 1);
                }

                break;
            default: // an object, or the reader says what is wrong with it
                _objects.Add(ElfObject.Read(bytes, name, _limits));
                break;
        }
    }

    private static string Find(string input, string script)
    {
        string[] names = input.StartsWith("-l", StringComparison.Ordinal)
            ? [$"lib{input[2..]}.a", $"lib{input[2..]}.so"]
            : [input];
        string[] folders = [Path.GetDirectoryName(Path.GetFullPath(script))!, .. LibraryFolders];
        foreach (string folder in folders)
        {
            foreach (string name in names)
            {
                string path = Path.Combine(folder, name); // an absolute name stays what it is
                if (File.Exists(path))
                {
                    return path;
                }
            }
        }

        throw new LinkException(
            LinkErrorCode.File, new LinkLocation(Path.GetFileName(script)), $"cannot find '{input}', which this script names");
    }

    private static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new LinkException(
                exception, [new LinkError(LinkErrorCode.File, new LinkLocation(path), exception.Message)]);
        }
    }
}
