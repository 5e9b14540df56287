using System.Text;
using ElfLoader.Elf;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Loading;

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
/// A unit that has strong variables which the provider has, too, of the same size and seen by others in both, brings a copy of that
/// library, with state of its own, as libstdc++.a is one of libstdc++.so.6. Half of it would be the one's and half the other's: it
/// is kept apart as a whole. Who links a static library means that; else there is a warning, which names one of these variables.
/// </para>
/// </remarks>
internal sealed class VagueDefinitions
{
    private readonly ObjectLibrary _library;
    private readonly SymbolResolution _resolution;
    private readonly List<Variable> _variables = [];
    private readonly List<string> _warnings = [];
    private readonly Dictionary<object, Provider> _providers = [];
    private readonly int _given; // objects before those that archives provided
    private string? _copied; // the strong variable that the last test was true for
    private bool _isOfArchive; // whether an archive provided it

    private VagueDefinitions(ObjectLibrary library, SymbolResolution resolution, int pulled)
    {
        _library = library;
        _resolution = resolution;
        _given = resolution.Objects.Count - pulled;
    }

    private readonly record struct Variable(int Symbol, int Guard);

    /// <summary>Who has variables of the link, too.</summary>
    /// <param name="copied">A strong variable that makes the unit a copy of it; null if there is none.</param>
    /// <param name="isMeant">Whether an archive provided that.</param>
    private sealed class Provider(string? copied, bool isMeant)
    {
        private const int Shown = 5;
        private readonly List<string> _kept = [];
        private int _count;

        internal bool IsCopied => copied is not null;

        /// <summary>Notes a variable that the unit keeps for itself.</summary>
        internal void Keep(string name)
        {
            _count++;
            if (_kept.Count < Shown)
            {
                _kept.Add(name);
            }
        }

        /// <summary>The warning of what is kept; null if nothing is.</summary>
        internal string? Warning(object provider)
        {
            if (_count is 0 || isMeant)
            {
                return null;
            }

            var text = new StringBuilder("'").AppendJoin("', '", _kept).Append('\'');
            _ = _count > Shown ? text.Append($" and {_count - Shown} more") : text;
            _ = text.Append($": {(_count > 1 ? "variables" : "a variable")} of {provider}, too, of which the unit has its own ");
            return copied is null
                ? text.Append($"({nameof(VagueLinkage)}.{nameof(VagueLinkage.Private)})").ToString()
                : text.Append($"because it brings a copy of that library: both define '{copied}'").ToString();
        }
    }

    /// <summary>Lets the variables of a link give way to those that are there.</summary>
    /// <param name="library">The library.</param>
    /// <param name="resolution">The link.</param>
    /// <param name="pulled">How many objects, the last ones, came from archives.</param>
    /// <returns>Warnings of those that are there twice; mostly empty.</returns>
    internal static IReadOnlyList<string> Share(ObjectLibrary library, SymbolResolution resolution, int pulled)
    {
        if ((!resolution.HasVagueVariables && !resolution.HasVagueThreadLocals)
            || (library.LinkedLibraries.IsEmpty && library.Host.IsEmpty))
        {
            return [];
        }

        var vague = new VagueDefinitions(library, resolution, pulled);
        vague.Collect();
        if (resolution.HasVagueThreadLocals && !vague.IsPrivate)
        {
            vague.WarnOfThreadLocals();
        }

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

    /// <summary>
    /// Thread-local variables are never shared: code that is compiled for an executable has distances from the thread pointer in it,
    /// which a library's do not have.
    /// </summary>
    private void WarnOfThreadLocals()
    {
        for (int i = 0; i < Symbols.Count; i++)
        {
            if (Symbols[i].Type is SymbolType.Tls && _resolution.IsVagueVariable(i) && !IsOwn(i)
                && OtherThreadLocal(i) is { } provider)
            {
                Warn(Symbols.Text(i), provider, "because it is thread-local: each has its own");
            }
        }
    }

    /// <summary>Who else has a thread-local variable; null if nobody has.</summary>
    private object? OtherThreadLocal(int symbol)
    {
        foreach (ObjectLibrary linked in _library.LinkedLibraries)
        {
            if (Find(linked, symbol) is { Exists: true, IsHidden: false, Type: SymbolType.Tls })
            {
                return linked;
            }
        }

        Definition host = _library.Host.Find(Symbols.Name(symbol), isThreadLocal: true);
        return host.Exists ? host.Provider : null;
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
            if (!IsOwn(found.Symbol) && !IsCopyOf(found.Provider, found.Symbol, test => HostVariables.AnyVariable(found, test)))
            {
                Decide(new Variable(found.Symbol, found.Guard), found.Definition, found.GuardDefinition, found.Provider);
            }
        }

        foreach ((object provider, Provider known) in _providers)
        {
            if (known.Warning(provider) is { } warning)
            {
                _warnings.Add(warning);
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
                if (!IsOwn(variable.Symbol) && !IsCopyOf(linked, variable.Symbol, test => AnyStrongVariable(linked, test)))
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
            Warn(name, provider, $"which has it with {CountText.Of(found.Size, "byte")}, and the unit with {Symbols[variable.Symbol].Size}");
        }
        else if (variable.Guard >= 0 && (!guard.Exists || guard.Size != Symbols[variable.Guard].Size))
        {
            Warn(name, provider, "which does not tell others whether it has been initialized (its guard variable)");
        }
        else if (IsPrivate)
        {
            _providers[provider].Keep(name);
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

    /// <summary>
    /// Whether the unit or its library brings a copy of a provider: has a strong variable that this has, too. Then it keeps the
    /// variable that is given.
    /// </summary>
    private bool IsCopyOf(object provider, int symbol, Func<Memory.VariableTest, bool> anyVariable)
    {
        if (!_providers.TryGetValue(provider, out Provider? known))
        {
            known = anyVariable(HasStrongVariable) ? new Provider(_copied, _isOfArchive) : new Provider(copied: null, isMeant: false);
            _providers.Add(provider, known);
        }

        if (known.IsCopied)
        {
            known.Keep(Symbols.Text(symbol));
        }

        return known.IsCopied;
    }

    private bool AnyStrongVariable(ObjectLibrary linked, Memory.VariableTest test)
    {
        for (int i = 0; i < Symbols.Count; i++)
        {
            if (IsStrongVariable(i, Symbols[i].Size) && IsStrongVariable(Find(linked, i), Symbols[i].Size)
                && test(Symbols.Name(i), Symbols[i].Size))
            {
                return true;
            }
        }

        return false;
    }

    private bool HasStrongVariable(ReadOnlySpan<byte> name, ulong size)
    {
        if (VagueNames.IsClassTable(name))
        {
            return false;
        }

        if (Symbols.Find(name) is >= 0 and int index && IsStrongVariable(index, size))
        {
            _isOfArchive = Symbols[index].Definer >= _given;
        }
        else if (_library.Contents.HasDefinitions
            && _library.Contents.Find(NameHash.Of(name), name) is { Unit: { } unit } own && IsStrongVariable(own, size))
        {
            _isOfArchive = unit.Pulled.Any(pulled => pulled.Archive.Members[pulled.Member].FullName == own.Provider);
        }
        else
        {
            return false;
        }

        _copied = Encoding.UTF8.GetString(name);
        return true;
    }

    /// <summary>Whether the link defines a strong variable of a size, which others see.</summary>
    private bool IsStrongVariable(int symbol, ulong size) =>
        Symbols[symbol] is
        {
            State: SymbolState.Strong,
            Type: SymbolType.Object,
            Visibility: SymbolVisibility.Default or SymbolVisibility.Protected,
        }
        && Symbols[symbol].Size == size;

    private static bool IsStrongVariable(in Definition definition, ulong size) =>
        definition is { Exists: true, IsWeak: false, IsHidden: false, Type: SymbolType.Object, Unit: not null }
        && definition.Size == size;
}
