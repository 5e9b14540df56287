using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <content>Names that people ask for.</content>
internal sealed partial class LibraryContents
{
    /// <summary>The names that it defines, and whether they are hidden: for messages about others.</summary>
    internal IReadOnlyList<(string Name, bool IsHidden)> Names()
    {
        lock (_gate)
        {
            return [.. _definitions.All().Take(NearNames.MostNames).Select(named => (named.Name, named.Definition.IsHidden))];
        }
    }

    /// <summary>Words about a name that a caller asked a library for, to follow "does not define it"; null if there are none.</summary>
    internal string? AdviceOn(string name) =>
        NameAdvice.ForCaller(name, Names(), Units.SelectMany(unit => (IEnumerable<LinkObject>)unit.Objects));

    /// <summary>The same for somebody who asks by name: <c>foo@V</c> is found where <c>foo@@V</c> was defined, too.</summary>
    internal Definition FindVersion(ReadOnlySpan<byte> name)
    {
        lock (_gate)
        {
            return FindVersionHere(name);
        }
    }

    /// <summary>The same; the gate is held.</summary>
    private Definition FindVersionHere(ReadOnlySpan<byte> name)
    {
        Definition found = _definitions.Find(NameHash.Of(name), name);
        if (!found.Exists)
        {
            VersionedName versioned = VersionedName.Of(name);
            for (int form = 0; !found.Exists && versioned.TryGetDefault(form, out ReadOnlySpan<byte> definition); form++)
            {
                found = _definitions.Find(NameHash.Of(definition), definition);
            }
        }

        return found;
    }
}
