using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Libraries;

/// <content>Names that people ask for.</content>
internal sealed partial class LibraryContents
{
    /// <summary>The names that it defines, and whether they are hidden: for messages about others.</summary>
    /// <remarks>
    /// They are copied in pieces, so that other threads need not wait for all. Of names that come or go meanwhile, and of others
    /// where many go, some may be left out.
    /// </remarks>
    internal IEnumerable<(string Name, bool IsHidden)> Names()
    {
        List<(string Name, bool IsHidden)> piece = [];
        bool hasMore = true;
        for (int next = 0; hasMore;)
        {
            lock (_gate)
            {
                hasMore = _definitions.TryCopyNames(ref next, piece);
            }

            foreach ((string Name, bool IsHidden) name in piece)
            {
                yield return name;
            }
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
