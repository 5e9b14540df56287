using System.Runtime.ExceptionServices;
using System.Text;
using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader;

/// <summary>An input that cannot be read again.</summary>
/// <param name="Path">Its path, or the name that it was given.</param>
/// <param name="Bytes">What was read.</param>
public readonly record struct ReadOnceInput(string Path, ReadOnlyMemory<byte> Bytes);

/// <summary>Reads files and sorts them by kind: objects, archives, shared libraries, and linker scripts that name some.</summary>
/// <remarks>Files are read, not mapped: a file that is truncated while it is mapped would kill the process.</remarks>
public sealed class InputFiles
{
    /// <summary>Linker scripts may name linker scripts, but not without end.</summary>
    private const int MaximumDepth = 8;

    /// <summary>Bytes of the longest path that the system takes, with a zero at its end (PATH_MAX): a longer one names no file.</summary>
    private const int LongestPath = 4096;

    /// <summary>Bytes of a file that has an array of its own: it would keep the others' alive, and costs little beside itself.</summary>
    private const int LargestInOneArray = 16 << 20;

    private static readonly string[] LibraryFolders =
        ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib", "/lib"];

    private readonly ReadLimits _limits;
    private readonly InputNames _names;
    private readonly List<ElfObject> _objects = [];
    private readonly Dictionary<string, MemberFiles> _named = []; // by the folder of the scripts
    private readonly List<Archive> _archives = [];
    private readonly List<int> _objectsBefore = [];
    private readonly List<string> _sharedLibraries = [];
    private readonly List<(string Path, Archive? ThinArchive)> _naming = [];
    private readonly List<ReadOnceInput> _readOnce = [];

    /// <summary>Starts with no files.</summary>
    /// <param name="limits">Limits of what they may claim.</param>
    public InputFiles(ReadLimits? limits = null)
        : this(limits, new InputNames())
    {
    }

    /// <summary>Starts with no files, beside others that have been read for the same link.</summary>
    internal InputFiles(ReadLimits? limits, InputNames names)
    {
        _limits = limits ?? ReadLimits.Default;
        _names = names;
    }

    /// <summary>The objects, in the order given.</summary>
    public IReadOnlyList<ElfObject> Objects => _objects;

    /// <summary>The archives, in the order given.</summary>
    public IReadOnlyList<Archive> Archives => _archives;

    /// <summary>For each archive how many objects were given before it: its members' place in an image.</summary>
    internal IReadOnlyList<int> ObjectsBeforeArchive => _objectsBefore;

    /// <summary>Paths of shared libraries, in the order given.</summary>
    public IReadOnlyList<string> SharedLibraries => _sharedLibraries;

    /// <summary>
    /// Paths of files that these name: inputs of linker scripts, members of thin archives. They are made anew each time they are
    /// gone through, and not kept.
    /// </summary>
    public IEnumerable<string> NamedFiles
    {
        get
        {
            foreach ((string path, Archive? thinArchive) in _naming)
            {
                if (thinArchive is null)
                {
                    yield return path;
                    continue;
                }

                foreach (ArchiveMember member in thinArchive.Members)
                {
                    if (member.NameBytes.Length < LongestPath)
                    {
                        yield return Path.Combine(path, Encoding.UTF8.GetString(member.NameBytes.Span));
                    }
                }
            }
        }
    }

    /// <summary>What was given that cannot be read again, such as pipes, for who wants to start anew with the same.</summary>
    public IReadOnlyList<ReadOnceInput> ReadOnce => _readOnce;

    /// <summary>
    /// The names that messages and maps have for files: without folders; of files that share a name, the path as it is given here.
    /// </summary>
    /// <param name="paths">Files that are used together.</param>
    public static IReadOnlyList<string> NamesOf(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        return InputNames.Of(paths);
    }

    /// <summary>Reads one more file.</summary>
    /// <exception cref="LinkException">It cannot be read, or is none of the kinds.</exception>
    public void Add(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _names.Announce(path);
        Add(InputFile.Read(path, _names, _limits), MaximumDepth);
    }

    /// <summary>Takes one more file that has been read, from a pipe perhaps.</summary>
    /// <param name="bytes">All bytes of it; not to be changed from now on.</param>
    /// <param name="name">What messages call it. Files that it names are looked for in the current folder.</param>
    /// <exception cref="LinkException">It is none of the kinds, or a shared library, which needs a path.</exception>
    public void Add(ReadOnlyMemory<byte> bytes, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Add(InputFile.Of(bytes, name, _limits), MaximumDepth);
    }

    /// <summary>Reads more files, several at a time.</summary>
    /// <exception cref="LinkException">One cannot be read, or is none of the kinds: the first of these. Those before it are added.</exception>
    /// <exception cref="ArgumentException">One is no path.</exception>
    public void AddAll(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        Memory<byte>[] rooms = RoomsFor(paths);
        var files = new InputFile[paths.Count];
        var failures = new ExceptionDispatchInfo?[paths.Count];
        int next = -1;
        foreach (string path in paths)
        {
            _names.Announce(path ?? "");
        }

        _ = Parallel.For(0, Math.Min(Environment.ProcessorCount, paths.Count), _ =>
        {
            // One at a time: files are of very different sizes.
            for (int i = Interlocked.Increment(ref next); i < files.Length; i = Interlocked.Increment(ref next))
            {
                try
                {
                    ArgumentException.ThrowIfNullOrEmpty(paths[i], nameof(paths));
                    files[i] = InputFile.Read(paths[i], _names, rooms[i], _limits);
                }
                catch (Exception exception) when (exception is LinkException or ArgumentException)
                {
                    failures[i] = ExceptionDispatchInfo.Capture(exception);
                }
            }
        });
        for (int i = 0; i < files.Length; i++)
        {
            failures[i]?.Throw();
            Add(files[i], MaximumDepth);
        }
    }

    /// <summary>Adds an object that has been read.</summary>
    public void Add(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        _objects.Add(elf);
    }

    /// <summary>One array for all files of ordinary size: much memory at once costs less than the same in pieces.</summary>
    private static Memory<byte>[] RoomsFor(IReadOnlyList<string> paths)
    {
        const int alignment = 64;
        var rooms = new Memory<byte>[paths.Count];
        int[] sizes = new int[paths.Count];
        _ = Parallel.For(0, sizes.Length, i =>
        {
            var file = new FileInfo(paths[i] is { Length: > 0 } path && !path.Contains('\0') ? path : ".");
            sizes[i] = file is { Exists: true, Length: > 0 and <= LargestInOneArray } ? (int)file.Length : 0;
        });
        long total = 0;
        foreach (int size in sizes)
        {
            total += (size + (alignment - 1)) & -alignment;
        }

        if (total <= Array.MaxLength && Room((int)total) is { } bytes)
        {
            NativeBytes.PreferLargePages(bytes);
            int used = 0;
            for (int i = 0; i < sizes.Length; i++)
            {
                rooms[i] = bytes.AsMemory(used, sizes[i]);
                used += (sizes[i] + (alignment - 1)) & -alignment;
            }
        }

        return rooms;
    }

    /// <summary>Room for all files; null where there is not so much in one piece: then each gets its own, or is refused by name.</summary>
    private static byte[]? Room(int size)
    {
        try
        {
            return GC.AllocateUninitializedArray<byte>(size);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    private void Add(InputFile file, int depth)
    {
        if (!file.ReadOnce.IsEmpty)
        {
            _readOnce.Add(new ReadOnceInput(file.Path, file.ReadOnce));
        }

        switch (file)
        {
            case { Object: { } elf }:
                _names.Keep(file.Path, elf);
                _objects.Add(elf);
                break;
            case { Archive: { } archive }:
                _names.Keep(file.Path, archive);
                _objectsBefore.Add(_objects.Count);
                _archives.Add(archive);
                if (archive.IsThin)
                {
                    _naming.Add((FolderOf(file.Path), archive));
                }

                break;
            case { Kind: FileKind.LinkerScript } when depth > 0:
                foreach (string input in file.Inputs)
                {
                    string path = Find(input, file.Path);
                    _naming.Add((path, null));
                    _names.Announce(path);
                    Add(InputFile.ReadNamed(path, FilesFor(FolderOf(file.Path)), _names, _limits), depth - 1);
                }

                break;
            case { Kind: FileKind.LinkerScript }:
                throw new LinkException(
                    LinkErrorCode.LimitExceeded,
                    new LinkLocation(Path.GetFileName(file.Path)),
                    $"linker scripts name one another more than {MaximumDepth} times over");
            default:
                _sharedLibraries.Add(Path.GetFullPath(file.Path));
                break;
        }
    }

    /// <summary>The files that scripts in a folder name.</summary>
    private MemberFiles FilesFor(string folder)
    {
        if (!_named.TryGetValue(folder, out MemberFiles? files))
        {
            files = new MemberFiles(path => NamedFile.Read(path, folder, _limits), "linker scripts name files");
            _named.Add(folder, files);
        }

        return files;
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    /// <summary>Finds what a script names: beside it, then, as lld does, in the current folder, then among the system's libraries.</summary>
    private string Find(string input, string script)
    {
        bool isLibrary = input.StartsWith("-l", StringComparison.Ordinal);
        string[] names = isLibrary ? [$"lib{input[2..]}.a", $"lib{input[2..]}.so"] : [input];
        string[] current = isLibrary ? [] : [Environment.CurrentDirectory];
        string[] folders = [FolderOf(script), .. _limits.AllowsExternalFiles ? [.. current, .. LibraryFolders] : (string[])[]];
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
}
