using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>Finds the addresses that the caller gives to sections, and notices those that no section has asked for.</summary>
internal sealed class ImageMappings
{
    private const string Got = ".got";

    private readonly IReadOnlyList<SectionMapping> _mappings;
    private readonly HashSet<SectionMapping> _used = [];

    internal ImageMappings(IReadOnlyList<SectionMapping> mappings) => _mappings = mappings;

    /// <summary>Whether there are any.</summary>
    internal bool Any => _mappings.Count > 0;

    /// <summary>Whose the global offset tables are: an address for an object's own is a wish for such tables.</summary>
    /// <param name="wanted">What the caller says; null: one for the image, where nothing speaks against it.</param>
    /// <exception cref="ImageOptionException">The caller contradicts himself.</exception>
    internal GotOrigin GotOrigin(GotOrigin? wanted)
    {
        SectionMapping? mapping = _mappings.FirstOrDefault(mapping => mapping is { Section: Got, Index: null });
        return mapping is null ? wanted ?? ElfLoader.GotOrigin.Image
            : wanted is not ElfLoader.GotOrigin.Image ? ElfLoader.GotOrigin.Object
            : throw new ImageOptionException(
                $"{mapping}: the image is to have one global offset table, and so {mapping.Object} none of its own");
    }

    /// <summary>The address of an input section, or null.</summary>
    /// <exception cref="ImageOptionException">The mapping is not clear, or not possible.</exception>
    internal ulong? Find(LinkObject file, int section, string name)
    {
        foreach (SectionMapping mapping in _mappings)
        {
            if (mapping.Section != name || !IsFor(mapping, file) || (mapping.Index ?? section) != section)
            {
                continue;
            }

            if (!_used.Add(mapping))
            {
                throw new ImageOptionException(
                    $"{mapping}: several sections are meant; give one's index, as in {name}#{section}");
            }

            if (file.Elf.Sections[section].Has(ElfConstants.SHF_TLS))
            {
                throw new ImageOptionException(
                    $"{mapping}: thread-local sections lie together in one template and cannot be mapped one by one");
            }

            return mapping.Address;
        }

        return null;
    }

    /// <summary>The address of an object's slots, or null.</summary>
    /// <exception cref="ImageOptionException">The mapping is not clear.</exception>
    internal ulong? FindGot(LinkObject file)
    {
        foreach (SectionMapping mapping in _mappings)
        {
            if (mapping is { Section: Got, Index: null } && IsFor(mapping, file))
            {
                return _used.Add(mapping)
                    ? mapping.Address
                    : throw new ImageOptionException($"{mapping}: several sections or objects are meant");
            }
        }

        return null;
    }

    /// <summary>Refuses mappings that no section has asked for.</summary>
    /// <exception cref="ImageOptionException">There is one.</exception>
    internal void CheckUsed(IReadOnlyList<LinkObject> objects)
    {
        foreach (SectionMapping mapping in _mappings)
        {
            if (!_used.Contains(mapping))
            {
                bool isKnown = objects.Any(file => IsFor(mapping, file));
                string[] namesakes =
                [
                    .. objects.Select(file => file.Elf.Name).Where(name => name != mapping.Object && WithoutFolders(name) == mapping.Object),
                ];
                throw new ImageOptionException(namesakes.Length > 0
                    ? $"{mapping}: several objects have this name; give the path of one: {string.Join(", ", namesakes)}"
                    : !isKnown
                    ? $"{mapping}: no object of this name is linked"
                    : mapping.Section is Got
                    ? $"{mapping}: {mapping.Object} uses no global offset table"
                    : $"{mapping}: {mapping.Object} has no such section that is loaded");
            }
        }
    }

    /// <summary>Whether a mapping names an object: the first of several members of one name is also its number 1.</summary>
    private static bool IsFor(SectionMapping mapping, LinkObject file)
    {
        const string first = "#1)";
        string name = file.Elf.Name;
        return mapping.Object == name
            || (mapping.Object.EndsWith(first, StringComparison.Ordinal) && name.EndsWith(')')
                && mapping.Object.AsSpan(..^first.Length).SequenceEqual(name.AsSpan(..^1)));
    }

    /// <summary>The name without the folders of the file: of <c>d/a.a(m.o)</c>, <c>a.a(m.o)</c>.</summary>
    private static string WithoutFolders(string name)
    {
        int member = name.IndexOf('(', StringComparison.Ordinal);
        string file = member < 0 ? name : name[..member];
        return Path.GetFileName(file) + name[file.Length..];
    }
}
