using System.Text;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>
/// Makes variables of vague linkage one with those that the process has already: of the libraries that this one is linked to, of
/// the host, and, where they are STB_GNU_UNIQUE, of any module of the process. Their code stays as it is: each unit calls its own
/// copies of inline functions.
/// </summary>
/// <remarks>
/// <para>
/// A variable and the guard that tells whether it has been initialized (Itanium C++ ABI, "Guard Variables") are one with those of
/// the same provider, or neither is: so an object is constructed once. What tables of virtual functions and type information say
/// is the same in each copy, and they refer to the functions of their unit, so they are not shared.
/// </para>
/// <para>
/// A unit that has strong variables which the provider has, too, brings a copy of that library, with state of its own, as
/// libstdc++.a is one of libstdc++.so.6. Half of it would be the one's and half the other's: it is kept apart as a whole.
/// </para>
/// </remarks>
internal sealed class VagueDefinitions
{
    private readonly ObjectLibrary _library;
    private readonly SymbolResolution _resolution;
    private readonly List<Variable> _variables = [];
    private readonly List<string> _warnings = [];
    private readonly Dictionary<object, (bool IsCopied, List<string> Kept)> _providers = [];

    private VagueDefinitions(ObjectLibrary library, SymbolResolution resolution)
    {
        _library = library;
        _resolution = resolution;
    }

    private readonly record struct Variable(int Symbol, int Guard);

    /// <summary>Lets the variables of a link give way to those that are there.</summary>
    /// <returns>Warnings of those that are there twice; mostly empty.</returns>
    internal static IReadOnlyList<string> Share(ObjectLibrary library, SymbolResolution resolution)
    {
        if (!resolution.HasVagueVariables || (library.LinkedLibraries.IsEmpty && library.Host.IsEmpty))
        {
            return [];
        }

        var vague = new VagueDefinitions(library, resolution);
        vague.Collect();
        if (vague._variables.Count > 0)
        {
            vague.ShareAll();
        }

        return vague._warnings;
    }

    private LinkSymbols Symbols => _resolution.Symbols;

    private bool IsPrivate => _library.Options.VagueLinkage is VagueLinkage.Private;

    private void Collect()
    {
        for (int i = 0; i < Symbols.Count; i++)
        {
            if (Symbols[i] is { State: SymbolState.Weak, Type: SymbolType.Object, Visibility: SymbolVisibility.Default }
                && !VagueNames.IsClassTable(Symbols.Name(i)) && !VagueNames.IsGuard(Symbols.Name(i)) && _resolution.IsVagueVariable(i))
            {
                _variables.Add(new Variable(i, GuardOf(i)));
            }
        }
    }

    /// <summary>The guard of a variable that the link defines; -1 if there is none.</summary>
    private int GuardOf(int variable)
    {
        int guard = Symbols.Find(VagueNames.GuardOf(Symbols.Name(variable)));
        return guard >= 0 && Symbols[guard].State is SymbolState.Weak ? guard : -1;
    }

    private void ShareAll()
    {
        var host = new HostVariables(_library.Host, Symbols);
        foreach (Variable variable in _variables)
        {
            if (!ShareWithLinked(variable))
            {
                host.Want(variable.Symbol, variable.Guard);
            }
        }

        foreach (HostVariable found in host.Find())
        {
            if (!IsOwn(found.Symbol) && !IsCopyOf(found.Provider, test => HostVariables.AnyVariable(found, test)))
            {
                Decide(new Variable(found.Symbol, found.Guard), found.Definition, found.GuardDefinition, found.Provider);
            }
        }

        foreach ((object provider, (_, List<string> kept)) in _providers)
        {
            if (kept.Count > 0)
            {
                _warnings.Add($"{Listed(kept)}: {(kept.Count > 1 ? "variables" : "a variable")} of {provider}, too, of which the unit has "
                    + $"its own ({nameof(VagueLinkage)}.{nameof(VagueLinkage.Private)})");
            }
        }
    }

    /// <returns>Whether one of the linked libraries has it, so that nobody else is asked.</returns>
    private bool ShareWithLinked(Variable variable)
    {
        foreach (ObjectLibrary linked in _library.LinkedLibraries)
        {
            Definition found = Find(linked, variable.Symbol);
            if (found is { Exists: true, IsHidden: false, Type: SymbolType.Object })
            {
                if (!IsOwn(variable.Symbol) && !IsCopyOf(linked, test => AnyStrongVariable(linked, test)))
                {
                    Definition guard = variable.Guard >= 0 ? Find(linked, variable.Guard) : default;
                    Decide(variable, found, guard.IsHidden ? default : guard, linked);
                }

                return true;
            }
        }

        return false;
    }

    private Definition Find(ObjectLibrary library, int symbol) =>
        library.Contents.Find(Symbols[symbol].Hash, Symbols.Name(symbol));

    /// <summary>Whether the library has its own already: then a replacement goes on with that.</summary>
    private bool IsOwn(int symbol) => Find(_library, symbol) is { Unit: not null, SharedBy: null };

    private void Decide(Variable variable, in Definition found, in Definition guard, object provider)
    {
        string name = Symbols.Text(variable.Symbol);
        if (found.Size != Symbols[variable.Symbol].Size)
        {
            Warn(name, provider, $"which has it with {found.Size} bytes, and the unit with {Symbols[variable.Symbol].Size}");
        }
        else if (variable.Guard >= 0 && (!guard.Exists || guard.Size != Symbols[variable.Guard].Size))
        {
            Warn(name, provider, "which does not tell others whether it has been initialized (its guard variable)");
        }
        else if (IsPrivate)
        {
            _providers[provider].Kept.Add(name);
        }
        else
        {
            _resolution.Share(variable.Symbol, found);
            if (variable.Guard >= 0)
            {
                _resolution.Share(variable.Guard, guard);
            }
        }
    }

    private void Warn(string name, object provider, string reason) =>
        _warnings.Add($"'{name}' is not one with that of {provider}, {reason}");

    /// <summary>Whether the unit or its library brings a copy of a provider: has a strong variable that this has, too.</summary>
    private bool IsCopyOf(object provider, Func<Memory.NameTest, bool> anyVariable)
    {
        if (!_providers.TryGetValue(provider, out (bool IsCopied, List<string> Kept) known))
        {
            known = (anyVariable(HasStrongVariable), []);
            _providers.Add(provider, known);
        }

        return known.IsCopied;
    }

    private bool AnyStrongVariable(ObjectLibrary linked, Memory.NameTest test)
    {
        for (int i = 0; i < Symbols.Count; i++)
        {
            if (Symbols[i] is { State: SymbolState.Strong, Type: SymbolType.Object }
                && Find(linked, i) is { Exists: true, IsWeak: false, Type: SymbolType.Object, Unit: not null } && test(Symbols.Name(i)))
            {
                return true;
            }
        }

        return false;
    }

    private bool HasStrongVariable(ReadOnlySpan<byte> name)
    {
        if (VagueNames.IsClassTable(name))
        {
            return false;
        }

        int index = Symbols.Find(name);
        return (index >= 0 && Symbols[index] is { State: SymbolState.Strong, Type: SymbolType.Object })
            || (_library.Contents.HasDefinitions
                && _library.Contents.Find(NameHash.Of(name), name) is { IsWeak: false, Type: SymbolType.Object, Unit: not null });
    }

    private static string Listed(List<string> names)
    {
        const int shown = 5;
        var text = new StringBuilder("'").AppendJoin("', '", names.Take(shown)).Append('\'');
        return (names.Count > shown ? text.Append($" and {names.Count - shown} more") : text).ToString();
    }
}
