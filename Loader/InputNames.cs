using ElfLoader.Elf;

namespace ElfLoader;

/// <summary>
/// Names for files, as messages and maps have them: the file's name without folders; of files that share one, the path as it was
/// given.
/// </summary>
/// <remarks>May be used from any thread.</remarks>
internal sealed class InputNames
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>What is known of the files of one name.</summary>
    private struct Entry
    {
        /// <summary>The first one's path.</summary>
        internal string Path;

        /// <summary>Whether another path has the same name.</summary>
        internal bool IsShared;

        /// <summary>The files of the first path, which get another name when the second comes; most names have one.</summary>
        internal object? Files;
    }

    /// <summary>The names of files that are going to be used together.</summary>
    internal static IReadOnlyList<string> Of(IReadOnlyList<string> paths)
    {
        InputNames names = new();
        foreach (string path in paths)
        {
            names.Announce(path);
        }

        return [.. paths.Select(names.Of)];
    }

    /// <summary>Notes that a file is going to be used. Files that have shared its name unnoticed so far are renamed.</summary>
    internal void Announce(string path)
    {
        lock (_gate)
        {
            ref Entry entry = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
                _entries, Path.GetFileName(path), out bool isKnown);
            if (!isKnown)
            {
                entry.Path = path;
            }
            else if (!entry.IsShared && entry.Path != path)
            {
                entry.IsShared = true;
                foreach (object file in entry.Files as List<object> ?? (IEnumerable<object>)(entry.Files is { } one ? [one] : []))
                {
                    Rename(file, entry.Path);
                }

                entry.Files = null;
            }
        }
    }

    /// <summary>The name of an announced file.</summary>
    internal string Of(string path)
    {
        string name = Path.GetFileName(path);
        lock (_gate)
        {
            return _entries.TryGetValue(name, out Entry entry) && entry.IsShared ? path : name;
        }
    }

    /// <summary>Notes what was read of an announced file, in case that it has to be renamed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="file">An <see cref="ElfObject"/> or <see cref="Archive"/>.</param>
    internal void Keep(string path, object file)
    {
        lock (_gate)
        {
            ref Entry entry = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
                _entries, Path.GetFileName(path), out bool isKnown);
            if (!isKnown)
            {
                entry.Path = path; // its names have been forgotten meanwhile
            }

            if (entry.IsShared)
            {
                Rename(file, path); // it was, since it was read
            }
            else
            {
                entry.Files = entry.Files switch
                {
                    null => file,
                    List<object> list => new List<object>([.. list, file]),
                    _ => new List<object>([entry.Files, file]),
                };
            }
        }
    }

    /// <summary>Forgets the objects, which have been linked; archives stay in use.</summary>
    internal void ForgetObjects()
    {
        lock (_gate)
        {
            foreach ((string name, Entry entry) in _entries)
            {
                if (entry.Files is not Archive)
                {
                    _ = _entries.Remove(name);
                }
            }
        }
    }

    private static void Rename(object file, string name)
    {
        if (file is ElfObject elf)
        {
            elf.Rename(name);
        }
        else
        {
            ((Archive)file).Rename(name);
        }
    }
}
