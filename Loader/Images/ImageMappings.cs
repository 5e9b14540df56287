using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Images;

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
        foreach (SectionMapping mapping in _mappings.Where(mapping => !_used.Contains(mapping)))
        {
            throw new ImageOptionException($"{mapping}: {WhyUnused(mapping, objects)}");
        }
    }

    private string WhyUnused(SectionMapping mapping, IReadOnlyList<LinkObject> objects)
    {
        if (_used.FirstOrDefault(used => used with { Address = mapping.Address } == mapping) is { } other)
        {
            return $"the section is to lie at 0x{other.Address:x} already";
        }

        string[] names = [.. objects.Select(file => file.Elf.Name)];
        string[] namesakes = [.. names.Where(name => name != mapping.Object && WithoutFolders(name) == WithoutFolders(mapping.Object))];
        LinkObject[] meant = [.. objects.Where(file => IsFor(mapping, file))];
        return meant.Length is 0 && namesakes.Length > 1
            ? $"several objects have this name; give the path of one: {string.Join(", ", namesakes)}"
            : meant.Length is 0
            ? $"no object of this name is linked{Advice(namesakes.FirstOrDefault() ?? NearestName.Find(mapping.Object, names))}"
            : mapping.Section is Got
            ? $"{mapping.Object} uses no global offset table"
            : $"{mapping.Object} has no such section that is loaded"
                + Advice(NearestName.Find(mapping.Section, meant.SelectMany(Loaded).Select(section => section.Name)), Indices(mapping, meant));
    }

    /// <summary>The indices of the sections that have the name, where the one that was given is not among them.</summary>
    private static string? Indices(SectionMapping mapping, LinkObject[] meant) => mapping.Index is null
        ? null
        : string.Join(", ", meant.SelectMany(Loaded).Where(section => section.Name == mapping.Section).Select(section => $"{section.Name}#{section.Index}"));

    private static IEnumerable<(int Index, string Name)> Loaded(LinkObject file)
    {
        for (int i = 1; i < file.Elf.Sections.Length; i++)
        {
            if (file.IsKept(i) && file.Elf.Sections[i].Has(ElfConstants.SHF_ALLOC))
            {
                yield return (i, file.Elf.SectionNameText(i));
            }
        }
    }

    private static string Advice(string? near, string? indices = null) =>
        !string.IsNullOrEmpty(indices) ? $"; it has {indices}" : near is null ? "" : $"; did you mean '{near}'?";

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
