using System.Text;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>
/// Finds what a missing name may have been meant to be: one that differs in a letter or in case, that has the other language's linkage
/// or other parameters, that is static in another object. Only failed links look for it, and only for their first few names.
/// </summary>
internal sealed class NearNames
{
    private const int MostMissing = 8;
    private const int MostNames = 200_000;
    private const int MostLocals = 1_000_000;

    private readonly SymbolResolution _resolution;
    private readonly HashSet<int> _considered;
    private readonly Dictionary<string, string> _static = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _byQualifiedName = new(StringComparer.Ordinal);

    /// <param name="resolution">The names of the link.</param>
    /// <param name="missing">Those that nothing defines.</param>
    internal NearNames(SymbolResolution resolution, IReadOnlyList<int> missing)
    {
        _resolution = resolution;
        _considered = [.. missing.Take(MostMissing)];
        if (_considered.Count is 0)
        {
            return;
        }

        for (int i = 0; i < Math.Min(resolution.Symbols.Count, MostNames); i++)
        {
            if (resolution.Symbols[i].State is not SymbolState.Undefined)
            {
                string name = resolution.Symbols.Text(i);
                _names.Add(name);
                _ = _known.Add(name);
                if (CxxNames.Demangle(name) is { } demangled)
                {
                    _ = _byQualifiedName.TryAdd(WithoutParameters(demangled), name);
                }
            }
        }

        FindStatic();
    }

    /// <summary>Words to put behind the message of a missing name; null if there are none.</summary>
    internal string? AdviceFor(int global) =>
        _considered.Contains(global) ? AdviceFor(_resolution.Symbols.Text(global)) : null;

    /// <summary>The same for a name that need not be in any object: of the entry.</summary>
    internal static string? AdviceFor(SymbolResolution resolution, string name) => new NearNames(resolution, [-1]).AdviceFor(name);

    private string? AdviceFor(string name)
    {
        if (_static.TryGetValue(name, out string? file))
        {
            return $"{file} has one that is static there (a local symbol)";
        }

        if (_resolution.HiddenElsewhere(Encoding.UTF8.GetBytes(name)) is { } owner)
        {
            return $"{owner} has one that is hidden there";
        }

        string? demangled = CxxNames.Demangle(name);
        string qualified = demangled is null ? name : WithoutParameters(demangled);
        if (_byQualifiedName.TryGetValue(qualified, out string? other) && other != name)
        {
            return demangled is null
                ? $"did you mean '{other}'? It has the linkage of C++: declare it extern \"C\" where it is defined"
                : $"did you mean '{other}'?";
        }

        if (demangled is not null && Exists(qualified))
        {
            return $"did you mean '{qualified}'? It has the linkage of C: declare it extern \"C\"";
        }

        string? near = demangled is null ? NearestName.Find(name, _names) ?? EditedOutside(name) : null;
        return near is null ? null : $"did you mean '{near}'?";
    }

    /// <summary>
    /// Names outside of the link can be asked for, but not be listed: those are tried that differ in one letter.
    /// </summary>
    private string? EditedOutside(string name)
    {
        const int shortest = 4;
        const int longest = 40;
        const string inserted = "abcdefghijklmnopqrstuvwxyz_0123456789";
        if (name.Length is < shortest or > longest)
        {
            return null;
        }

        if (name.ToLowerInvariant() is var lower && lower != name && Exists(lower))
        {
            return lower;
        }

        for (int i = 0; i < name.Length; i++)
        {
            string without = name.Remove(i, 1);
            if (Exists(without))
            {
                return without;
            }

            if (i > 0 && name[i] != name[i - 1]
                && $"{name.AsSpan(..(i - 1))}{name[i]}{name[i - 1]}{name.AsSpan((i + 1)..)}" is var swapped && Exists(swapped))
            {
                return swapped;
            }
        }

        for (int i = 0; i <= name.Length; i++)
        {
            foreach (char letter in inserted)
            {
                string with = name.Insert(i, $"{letter}");
                if (Exists(with))
                {
                    return with;
                }
            }
        }

        return null;
    }

    private bool Exists(string name) => _known.Contains(name) || _resolution.IsKnownOutside(Encoding.UTF8.GetBytes(name));

    /// <summary>Local symbols that have the name of a missing one.</summary>
    private void FindStatic()
    {
        Dictionary<ulong, string> missing = [];
        foreach (int global in _considered.Where(global => global >= 0))
        {
            missing[NameHash.Of(_resolution.Symbols.Name(global))] = _resolution.Symbols.Text(global);
        }

        int looked = 0;
        foreach (LinkObject file in missing.Count is 0 ? [] : _resolution.Objects)
        {
            ElfObject elf = file.Elf;
            for (int i = 1; i < elf.FirstGlobalSymbol && looked < MostLocals; i++, looked++)
            {
                if (elf.Symbol(i) is { IsDefined: true, Type: not (SymbolType.Section or SymbolType.File) }
                    && missing.TryGetValue(NameHash.Of(elf.SymbolName(i)), out string? name) && elf.SymbolNameText(i) == name)
                {
                    _ = _static.TryAdd(name, elf.Name);
                }
            }
        }
    }

    /// <summary>What stands before the parameters of a demangled name, and behind the type of what is returned.</summary>
    private static string WithoutParameters(string demangled)
    {
        const string anonymous = "(anonymous namespace)";
        int depth = 0;
        int start = 0;
        for (int i = 0; i < demangled.Length; i++)
        {
            switch (demangled[i])
            {
                case '<':
                    depth++;
                    break;
                case '>':
                    depth--;
                    break;
                case ' ' when depth is 0 && !demangled.AsSpan(start, i - start).EndsWith("operator") && !demangled.AsSpan(..i).EndsWith("(anonymous"):
                    start = i + 1;
                    break;
                case '(' when demangled.AsSpan(i).StartsWith(anonymous):
                    i += anonymous.Length - 1;
                    break;
                case '(' when depth is 0 && !demangled.AsSpan(start, i - start).EndsWith("operator"):
                    return demangled[start..i];
                default:
                    break;
            }
        }

        return demangled;
    }
}
