using System.Text;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>
/// Words about names that are missing: what they may have been meant to be. Only what has failed looks for it, and only for the first
/// few names.
/// </summary>
internal sealed class NameAdvice
{
    private const int MostLocals = 1_000_000;

    private readonly NearNames _near;
    private readonly Func<string, bool> _exists;
    private int _locals;

    private NameAdvice(NearNames near, Func<string, bool> exists)
    {
        _near = near;
        _exists = exists;
    }

    /// <summary>Prepares for the names that a link lacks.</summary>
    /// <param name="resolution">The names of the link.</param>
    /// <param name="missing">Those that nothing defines.</param>
    internal static NameAdvice Of(SymbolResolution resolution, IEnumerable<string> missing)
    {
        NearNames near = new(missing);
        NameAdvice advice = new(near, name => resolution.IsKnownOutside(Encoding.UTF8.GetBytes(name)));
        for (int i = 0; i < resolution.Symbols.Count && near.HasRoom; i++)
        {
            if (resolution.Symbols[i].State is not SymbolState.Undefined)
            {
                near.Consider(resolution.Symbols.Text(i), "", NameReach.Visible);
            }
        }

        advice.ConsiderLocals(resolution.Objects);
        foreach ((string name, string? owner) in resolution.NamesOutside())
        {
            if (!near.HasRoom)
            {
                break;
            }

            near.Consider(name, owner ?? "", owner is null ? NameReach.Visible : NameReach.Hidden);
        }

        return advice;
    }

    /// <summary>Words about a name that need not be in any object of a link: of the entry. Null if there are none.</summary>
    internal static string? For(SymbolResolution resolution, string name) => Of(resolution, [name]).For(name, isQuoted: true);

    /// <summary>Words about a name that a caller asked for, to follow "does not define it"; null if there are none.</summary>
    /// <param name="name">The name.</param>
    /// <param name="names">Names that there are.</param>
    /// <param name="objects">Objects that may have local symbols of such a name.</param>
    internal static string? ForCaller(
        string name, IEnumerable<(string Name, bool IsHidden)> names, IEnumerable<LinkObject> objects)
    {
        NearNames near = new([name], areWritten: true);
        NameAdvice advice = new(near, _ => false);
        foreach ((string other, bool isHidden) in names)
        {
            if (!near.HasRoom)
            {
                break;
            }

            near.Consider(other, "the library", isHidden ? NameReach.Hidden : NameReach.Visible);
        }

        advice.ConsiderLocals(objects);
        return advice.For(name, isQuoted: false);
    }

    /// <summary>Words to put behind the message of a missing name; null if there are none.</summary>
    internal string? For(string name) => For(name, isQuoted: true);

    private string? For(string name, bool isQuoted)
    {
        if (!_near.Seeks(name))
        {
            return null;
        }

        SourceName source = SourceName.Of(name);
        NearName? near = _near.For(name);
        if (near is { Rank: NearNames.Same, Reach: not NameReach.Visible })
        {
            return near.Reach is NameReach.Static
                ? $"{near.Owner} has one that is static there (a local symbol)"
                : $"{near.Owner} has one that is hidden there";
        }

        if (near is null || near.Rank >= NearNames.OtherSpelling)
        {
            if (source.IsMangled && _exists(source.Qualified))
            {
                near = new NearName(source.Qualified, "", NameReach.Visible, NearNames.OtherParameters);
            }
            else if (near is null && OutsideSpelling.Find(name, _exists) is { } outside)
            {
                near = new NearName(outside, "", NameReach.Visible, NearNames.OtherSpelling);
            }
        }

        return near is null ? null : Describe(near, source, isQuoted);
    }

    private static string Describe(NearName near, in SourceName missing, bool isQuoted)
    {
        string place = near.Reach switch
        {
            NameReach.Static => $", which is static in {near.Owner} (a local symbol)",
            NameReach.Hidden => $", which is hidden in {near.Owner}",
            _ => "",
        };
        string readable = !isQuoted && CxxNames.Demangle(near.Name) is { } demangled ? $" ({demangled})" : "";
        bool isMangled = SourceName.Of(near.Name).IsMangled;
        string linkage = isMangled == missing.IsMangled || missing.IsCxx == isMangled ? ""
            : isMangled ? " It has the linkage of C++: declare it extern \"C\" where it is defined"
            : " It has the linkage of C: declare it extern \"C\"";
        return $"did you mean '{near.Name}'{readable}{place}?{linkage}";
    }

    /// <summary>Looks at local symbols.</summary>
    private void ConsiderLocals(IEnumerable<LinkObject> objects)
    {
        foreach (LinkObject file in objects)
        {
            ElfObject elf = file.Elf;
            for (int i = 1; i < elf.FirstGlobalSymbol && _locals < MostLocals && _near.HasRoom; i++, _locals++)
            {
                if (elf.Symbol(i) is { IsDefined: true, Type: not (SymbolType.Section or SymbolType.File) })
                {
                    _near.Consider(elf.SymbolNameText(i), elf.Name, NameReach.Static);
                }
            }
        }
    }
}
