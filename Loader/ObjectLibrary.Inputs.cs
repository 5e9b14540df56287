using ElfLoader.Elf;

namespace ElfLoader;

/// <summary>Files on their way in: their names, and archives, which are searched for what later loads lack.</summary>
public sealed partial class ObjectLibrary
{
    private readonly InputNames _names = new(); // of what is queued, and of archives

    /// <summary>Searches an archive for what later loads lack.</summary>
    /// <exception cref="LinkException">It cannot be read.</exception>
    public void AddArchive(string path)
    {
        var inputs = new InputFiles(Options.ReadLimits, _names);
        inputs.Add(path);
        if (inputs.Objects.Count > 0)
        {
            throw new LinkException(LinkErrorCode.File, new LinkLocation(path),
                $"this is not an archive: {FileDescription.Of(inputs.Objects[0].Bytes.Span)}");
        }

        if (inputs.SharedLibraries.Contains(Path.GetFullPath(path))) // a linker script may name some
        {
            throw new LinkException(LinkErrorCode.File, new LinkLocation(path),
                $"this is not an archive but a shared library: {nameof(AddSharedLibrary)} takes it");
        }

        Provide(inputs);
    }

    /// <summary>Refuses files with nothing to load in them, by the name of the first.</summary>
    private void RefuseWithoutObjects(IReadOnlyList<string> paths, InputFiles inputs)
    {
        if (inputs.Objects.Count > 0 || paths.Count is 0)
        {
            return;
        }

        lock (_gate)
        {
            if (_queue.Count > 0)
            {
                return;
            }
        }

        throw new LinkException(LinkErrorCode.File, new LinkLocation(paths[0]), inputs.SharedLibraries.Contains(Path.GetFullPath(paths[0]))
            ? $"there is no object to load: this is a shared library, which {nameof(AddSharedLibrary)} takes"
            : "there is no object to load: archives only provide what objects lack");
    }

    /// <summary>Files that are linked with what is queued, if anything is.</summary>
    private InputFiles NewInputs()
    {
        lock (_gate)
        {
            return _queue.Count > 0 ? new InputFiles(Options.ReadLimits, _names) : new InputFiles(Options.ReadLimits);
        }
    }

    /// <summary>Links with archives to search, which are forgotten if that fails.</summary>
    private T WithArchives<T>(InputFiles inputs, Func<T> link)
    {
        Provide(inputs);
        try
        {
            return link();
        }
        catch
        {
            lock (_gate)
            {
                _archives = [.. _archives.Except(inputs.Archives)];
            }

            throw;
        }
    }

    private void Provide(InputFiles inputs)
    {
        foreach (string shared in inputs.SharedLibraries)
        {
            AddSharedLibrary(shared);
        }

        lock (_gate)
        {
            _archives = [.. _archives, .. inputs.Archives];
        }
    }
}
