using System.Text;
using ElfLoader.Elf;
using ElfLoader.Images;

namespace ElfLoader;

/// <summary>
/// Links objects for addresses of a target, which may be another machine than this one: they are laid out and
/// relocated in a buffer, to be looked at or written out as a static executable.
/// </summary>
/// <remarks>
/// Each link starts from the objects' own bytes, so linking again for other addresses is the same as linking for them in
/// the first place. May be used from any thread.
/// </remarks>
public sealed class ImageLinker
{
    private readonly ImageOptions _options;

    /// <summary>Creates a linker.</summary>
    /// <param name="options">How to link.</param>
    public ImageLinker(ImageOptions? options = null) => _options = options ?? new ImageOptions();

    /// <summary>Links all objects, with what they lack from the archives.</summary>
    /// <param name="inputs">The files.</param>
    /// <returns>The image.</returns>
    /// <exception cref="LinkException">The objects cannot be linked.</exception>
    /// <exception cref="ImageOptionException">The options contradict each other or the objects.</exception>
    public LinkedImage Link(InputFiles inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        return Link(inputs.Objects, inputs.Archives, inputs.ObjectsBeforeArchive);
    }

    /// <summary>Links all objects, with what they lack from the archives.</summary>
    /// <param name="objects">The objects; sections of the image have them in this order.</param>
    /// <param name="archives">Archives: the first that defines a name provides it. Their members come after the objects.</param>
    /// <returns>The image.</returns>
    /// <exception cref="LinkException">The objects cannot be linked.</exception>
    /// <exception cref="ImageOptionException">The options contradict each other or the objects.</exception>
    public LinkedImage Link(IReadOnlyList<ElfObject> objects, IReadOnlyList<Archive>? archives = null)
    {
        ArgumentNullException.ThrowIfNull(objects);
        archives ??= [];
        return Link(objects, archives, [.. archives.Select(_ => objects.Count)]);
    }

    private LinkedImage Link(
        IReadOnlyList<ElfObject> objects, IReadOnlyList<Archive> archives, IReadOnlyList<int> objectsBefore)
    {
        ElfObject first = objects.Count > 0 ? objects[0] : FirstWanted(archives);
        try
        {
            return new ImageLink(_options, objects, archives, objectsBefore, first).Run();
        }
        catch (OutOfMemoryException exception)
        {
            throw MemoryShortage.Of(first.Name, "link it, with what is linked together with it", exception);
        }
    }

    /// <summary>Where no object is given, a member that the options want is the first one.</summary>
    private ElfObject FirstWanted(IReadOnlyList<Archive> archives)
    {
        string[] wanted = [.. _options.RequiredSymbols, _options.Entry];
        foreach (string name in wanted)
        {
            foreach (Archive archive in archives)
            {
                if (archive.TryFind(Encoding.UTF8.GetBytes(name), out int member))
                {
                    return ElfObject.Read(archive.Members[member].Bytes, archive.Members[member].FullName, _options.ReadLimits);
                }
            }
        }

        throw new LinkException(
            LinkErrorCode.File,
            new LinkLocation(""),
            archives.Count is 0
                ? "there is no object to link"
                : "there is no object to link, and no member of an archive is wanted, for none defines "
                    + $"{string.Join(" or ", wanted.Distinct().Select(name => $"'{name}'"))}: give an object, or name a symbol of a member (-u NAME, --entry NAME)");
    }
}
