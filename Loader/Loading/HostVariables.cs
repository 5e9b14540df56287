using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Loading;

/// <summary>A variable of the host that a link has a definition of, too.</summary>
/// <param name="Symbol">The link's symbol.</param>
/// <param name="Guard">The symbol of its guard, or -1.</param>
/// <param name="Definition">Where it is.</param>
/// <param name="GuardDefinition">Where the same module has its guard; none if it has none.</param>
/// <param name="Module">The module, which stays loaded from now on.</param>
/// <param name="Provider">The module's path.</param>
internal readonly record struct HostVariable(
    int Symbol, int Guard, Definition Definition, Definition GuardDefinition, ulong Module, string Provider);

/// <summary>Finds variables that a link defines in the host: one pass over its modules for all of them.</summary>
internal sealed class HostVariables
{
    private const byte Unique = 10; // STB_GNU_UNIQUE
    private const byte Variable = 1; // STT_OBJECT

    private readonly HostScope _host;
    private readonly LinkSymbols _symbols;
    private readonly ModuleSymbols _modules = new();
    private readonly List<(int Symbol, int Guard, int Name, int GuardName)> _wanted = [];

    internal HostVariables(HostScope host, LinkSymbols symbols)
    {
        _host = host;
        _symbols = symbols;
    }

    /// <summary>Adds a variable to look for.</summary>
    internal void Want(int symbol, int guard) => _wanted.Add((
        symbol, guard, _modules.Add(_symbols.Name(symbol)), guard >= 0 ? _modules.Add(_symbols.Name(guard)) : -1));

    /// <summary>Finds them, in the order in which they were added.</summary>
    internal IEnumerable<HostVariable> Find()
    {
        if (_wanted.Count is 0 || _host.IsEmpty)
        {
            yield break;
        }

        ILookup<int, ModuleSymbol> all = _modules.Find().Where(symbol => symbol.Type is Variable).ToLookup(symbol => symbol.Name);
        if (all.Count is 0)
        {
            yield break;
        }

        foreach ((int symbol, int guard, int name, int guardName) in _wanted)
        {
            if (Choose(symbol, all[name]) is { } variable && DynamicLinker.TryDescribe(variable.Address, out HostAddress described))
            {
                _ = DynamicLinker.Keep(described.Library); // never closed: the unit refers to it
                ModuleSymbol? itsGuard = guardName < 0 ? null : Choose(guard, all[guardName]);
                yield return new HostVariable(
                    symbol,
                    guard,
                    DefinitionOf(variable, described.Library),
                    itsGuard?.Module == variable.Module ? DefinitionOf(itsGuard.Value, described.Library) : default,
                    variable.Module,
                    described.Library);
            }
        }
    }

    /// <summary>Whether the module of a variable has a strong variable that passes a test.</summary>
    internal static bool AnyVariable(in HostVariable variable, VariableTest test) => ModuleSymbols.AnyVariable(variable.Module, test);

    /// <summary>
    /// The one of several definitions that the dynamic linker binds a reference to: the first of what is searched; of a name that
    /// is unique in the process, the one that was the first to be bound.
    /// </summary>
    private ModuleSymbol? Choose(int symbol, IEnumerable<ModuleSymbol> candidates)
    {
        if (!candidates.Any())
        {
            return null;
        }

        ReadOnlySpan<byte> name = _symbols.Name(symbol);
        ulong address = _host.Find(name, isThreadLocal: false).Address;
        foreach (ModuleSymbol unique in candidates.Where(candidate => candidate.Binding is Unique))
        {
            if (address is 0 && _host.SearchesProcess && DynamicLinker.TryDescribe(unique.Address, out HostAddress described)
                && DynamicLinker.Keep(described.Library) is not 0 and ulong module)
            {
                address = DynamicLinker.Find(module, name);
            }
        }

        foreach (ModuleSymbol candidate in candidates)
        {
            if (candidate.Address == address)
            {
                return candidate;
            }
        }

        return null;
    }

    private static Definition DefinitionOf(in ModuleSymbol symbol, string library) => new()
    {
        Address = symbol.Address,
        Size = symbol.Size,
        Type = SymbolType.Object,
        Source = SymbolSource.Host,
        Provider = library,
    };
}
