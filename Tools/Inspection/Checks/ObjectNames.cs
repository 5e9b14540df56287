namespace ElfLoader.Inspection.Checks;

/// <summary>Finds out which object an expression means: <c>t.o</c>, <c>folder/t.o</c>, <c>lib.a(t.o)</c>, or a member's name alone.</summary>
internal sealed class ObjectNames
{
    private readonly string[] _names;
    private readonly HashSet<string> _ambiguous = [];

    internal ObjectNames(LinkedImage image)
    {
        HashSet<(string, int)> sections = [];
        foreach (ImageSection section in image.Sections)
        {
            if (!sections.Add((section.Object, section.Index)))
            {
                _ambiguous.Add(section.Object);
            }
        }

        _names = [.. image.Sections.Select(section => section.Object).Concat(image.FileSections.Select(section => section.Object)).Distinct()];
    }

    /// <summary>The object's name as the image has it.</summary>
    /// <exception cref="CheckException">There is none, or more than one.</exception>
    internal string Find(string text) => TryFind(text)
        ?? throw new CheckException($"no object '{text}' is linked; there are {string.Join(", ", _names)}");

    /// <summary>The object's name, and the section that llvm-rtdyld's tests put behind it.</summary>
    /// <exception cref="CheckException">There is no such object, or more than one.</exception>
    internal (string Object, string? Section) FindContainer(string text)
    {
        if (TryFind(text) is { } name)
        {
            return (name, null);
        }

        int slash = text.LastIndexOf('/');
        return slash > 0 && TryFind(text[..slash]) is { } file ? (file, text[(slash + 1)..]) : (Find(text), null);
    }

    private string? TryFind(string text)
    {
        string[] found = [.. Matching(text)];
        return found switch
        {
            [] => null,
            [var name] when !_ambiguous.Contains(name) => name,
            [var name] => throw new CheckException($"several objects are called '{name}'"),
            _ => throw new CheckException($"'{text}' may be {string.Join(" or ", found)}"),
        };
    }

    private IEnumerable<string> Matching(string text)
    {
        string[] exact = [.. _names.Where(name => name == text || name == text[(text.LastIndexOf('/') + 1)..])];
        return exact.Length > 0 ? exact : _names.Where(name => name.EndsWith($"({text})", StringComparison.Ordinal));
    }
}
