using System.Numerics;
using ElfLoader.Elf;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Redirection;

/// <summary>
/// Decides which variables of replacing objects use the storage of the replaced ones, and binds them to it.
/// </summary>
/// <remarks>
/// Code refers to a global variable by its symbol, but to a local one often by the distance from the start of its section, from
/// which the variable cannot be told for certain. So a section whose variables are all where they were is kept as a whole; of
/// any other the global variables are kept one by one, and the local ones are not.
/// </remarks>
internal sealed class StateTransfer
{
    private readonly ObjectLibrary _library;
    private readonly ReplaceOptions _options;
    private readonly SymbolResolution _resolution;
    private readonly StateCounterparts _before = new();
    private readonly HashSet<LoadedUnit> _older = [];
    private readonly List<(LinkObject File, int Section, ulong Address)> _sections = [];
    private readonly List<(int Symbol, ulong Address, int Report)> _variables = [];
    private readonly List<(int Symbol, string Name, Definition Old)> _migrations = [];
    private readonly List<StateReport> _reports = [];
    private long _steps;

    internal StateTransfer(ObjectLibrary library, ReplaceOptions options, SymbolResolution resolution)
    {
        _library = library;
        _options = options;
        _resolution = resolution;
    }

    /// <summary>What becomes of the variables.</summary>
    internal IReadOnlyList<StateReport> Reports => _reports;

    /// <summary>Whether anything is kept.</summary>
    internal bool KeepsAny => _sections.Count + _variables.Count > 0;

    /// <summary>Objects and variables that were looked at.</summary>
    internal long Steps => _before.Steps + _steps;

    /// <summary>Decides; sections have their blocks, but no addresses yet.</summary>
    internal void Decide()
    {
        foreach (LinkObject file in _resolution.Objects)
        {
            var data = new StateSections(file);
            FindCounterparts(file);
            foreach (int section in data.Sections)
            {
                if (!TryKeepWhole(data, section))
                {
                    KeepSingly(data, section);
                }
            }
        }

        for (int i = 0; i < _resolution.Symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref _resolution.Symbols[i];
            if (symbol.Definer >= 0 && (symbol.Traits & SymbolTraits.Tls) != 0)
            {
                ReportThreadLocal(i);
            }
            else if (symbol.State is SymbolState.Common)
            {
                KeepGlobal(i, _resolution.Objects[symbol.Definer].Elf.Name, Math.Max(symbol.Alignment, 1));
            }
        }

        TieGuards();
    }

    /// <summary>Lets the symbols of sections that are kept as a whole lie in the old storage.</summary>
    internal void MoveSections()
    {
        foreach ((LinkObject file, int section, ulong address) in _sections)
        {
            file.SetSymbolBase(section, address);
        }
    }

    /// <summary>Lets global variables that are kept lie in the old storage; symbols have their values.</summary>
    internal void MoveVariables()
    {
        if (_variables.Count is 0)
        {
            return;
        }

        Dictionary<int, ulong> moved = [];
        foreach ((int symbol, ulong address, _) in _variables)
        {
            moved[symbol] = address;
            _resolution.Symbols[symbol].Value = address;
        }

        foreach (LinkObject file in _resolution.Objects)
        {
            foreach (ref BoundSymbol bound in file.Symbols)
            {
                if (bound.Global >= 0 && moved.TryGetValue(bound.Global, out ulong address))
                {
                    bound.Value = address;
                }
            }
        }
    }

    /// <summary>Makes the old storage stay for as long as the new unit needs it.</summary>
    internal void Join(LoadedUnit unit)
    {
        if (KeepsAny)
        {
            KeptState.Join(unit, _older, _reports.Where(report => report.Outcome is StateOutcome.Kept).Select(report => report.Name));
        }
    }

    /// <summary>Carries over what is to be migrated.</summary>
    internal void Migrate()
    {
        foreach ((int symbol, string name, Definition old) in _migrations)
        {
            ref LinkSymbol variable = ref _resolution.Symbols[symbol];
            _options.Migrate?.Invoke(new StateMigration(
                name, (nint)old.Address, (long)old.Size, (nint)variable.Value, (long)variable.Size));
        }
    }

    private StatePolicy PolicyOf(string name) => _options.Choose?.Invoke(name) ?? _options.State;

    /// <summary>Finds the objects in use whose definitions this one replaces.</summary>
    private void FindCounterparts(LinkObject file)
    {
        _before.Clear();
        for (int i = file.Elf.FirstGlobalSymbol; i < file.Elf.SymbolCount; i++)
        {
            int global = file.Symbols[i].Global;
            if (global >= 0 && _resolution.Symbols[global].Definer == file.Ordinal
                && Find(global) is { Unit: { } unit, Provider: var provider } && unit.Library == _library)
            {
                _before.Add(unit, provider);
            }
        }
    }

    private bool TryKeepWhole(StateSections data, int section)
    {
        IReadOnlyList<StateVariable> variables = data[section];
        if (variables.Count is 0 || data.HasUnnamed(section) || data.IsAmbiguous(variables[0]))
        {
            return false;
        }

        foreach (StateSections old in _before.Having(variables[0].Name))
        {
            if (old.Find(variables[0].Name) is { } first && IsSame(data, section, old, first.Section))
            {
                _sections.Add((data.File, section, old.File.SymbolBase(first.Section)));
                _older.Add(old.Unit!);
                foreach (StateVariable variable in variables)
                {
                    Report(data, variable.Name, StateOutcome.Kept, variable.Size, variable.Size);
                }

                return true;
            }
        }

        return false;
    }

    private bool IsSame(StateSections data, int section, StateSections old, int oldSection)
    {
        ref readonly SectionHeader header = ref data.File.Elf.Sections[section];
        ref readonly SectionHeader other = ref old.File.Elf.Sections[oldSection];
        IReadOnlyList<StateVariable> variables = data[section];
        IReadOnlyList<StateVariable> others = old[oldSection];
        if (header.Size != other.Size || header.Alignment != other.Alignment || variables.Count != others.Count)
        {
            return false;
        }

        for (int i = 0; i < variables.Count; i++)
        {
            _steps++;
            StateVariable variable = variables[i];
            StateVariable was = others[i];
            if (variable.Name != was.Name || variable.Offset != was.Offset || variable.Size != was.Size
                || variable.IsLocal != was.IsLocal || data.IsAmbiguous(variable) || old.IsAmbiguous(was)
                || PolicyOf(variable.Name) is not StatePolicy.Keep || !IsWhereItWas(old, was) || !Prevails(data, variable))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a global variable still is where its section is, and was not moved singly by an earlier replacement.</summary>
    private bool IsWhereItWas(StateSections old, in StateVariable variable)
    {
        if (variable.IsLocal)
        {
            return true;
        }

        int global = old.File.Symbols[variable.Symbol].Global;
        return global < 0 || _library.Contents.Find(
            NameHash.Of(old.File.Elf.SymbolName(variable.Symbol)), old.File.Elf.SymbolName(variable.Symbol)).Address
            == old.File.SymbolBase(variable.Section) + variable.Offset;
    }

    private bool Prevails(StateSections data, in StateVariable variable)
    {
        int global = data.File.Symbols[variable.Symbol].Global;
        return global < 0
            || (_resolution.Symbols[global].Definer == data.File.Ordinal && _resolution.Symbols[global].Outside is 0);
    }

    private void KeepSingly(StateSections data, int section)
    {
        foreach (StateVariable variable in data[section])
        {
            int global = data.File.Symbols[variable.Symbol].Global;
            if (global >= 0)
            {
                if (Prevails(data, variable))
                {
                    ulong alignment = Math.Max(data.File.Elf.Sections[section].Alignment, 1);
                    ulong natural = variable.Offset is 0 ? alignment : 1UL << BitOperations.TrailingZeroCount(variable.Offset);
                    KeepGlobal(global, data.File.Elf.Name, Math.Min(alignment, natural));
                }

                continue;
            }

            if (_before.Having(variable.Name).FirstOrDefault() is { } old)
            {
                ReportLocal(data, variable, old, old.Find(variable.Name)!.Value);
            }
        }

        if (_before.HasAny && data.HasUnnamed(section))
        {
            Report(
                data,
                data.File.Elf.SectionNameText(section),
                StateOutcome.Unnamed,
                0,
                data.File.Elf.Sections[section].Size,
                "it has data without a name");
        }
    }

    private void ReportLocal(StateSections data, in StateVariable variable, StateSections old, in StateVariable was)
    {
        if (PolicyOf(variable.Name) is not StatePolicy.Keep)
        {
            Report(data, variable.Name, StateOutcome.Reset, was.Size, variable.Size);
        }
        else if (was.Size != variable.Size)
        {
            Report(data, variable.Name, StateOutcome.SizeChanged, was.Size, variable.Size, SizeReason(was.Size, variable.Size));
        }
        else
        {
            Report(
                data,
                variable.Name,
                StateOutcome.Ambiguous,
                was.Size,
                variable.Size,
                data.IsAmbiguous(variable) || old.IsAmbiguous(was)
                    ? "other local variables have the same name but for a number"
                    : "other data in its section has changed, and code refers to local variables by their distance from the "
                        + "start of the section; compile with -fdata-sections");
        }
    }

    private void ReportThreadLocal(int symbol)
    {
        Definition old = Find(symbol);
        string name = _resolution.Symbols.Text(symbol);
        if (old.Unit?.Library == _library && old.Tls is not null)
        {
            bool isWanted = PolicyOf(name) is StatePolicy.Keep;
            _reports.Add(new StateReport(
                name,
                _resolution.Objects[_resolution.Symbols[symbol].Definer].Elf.Name,
                isWanted ? StateOutcome.ThreadLocal : StateOutcome.Reset,
                (long)old.Size,
                (long)_resolution.Symbols[symbol].Size,
                isWanted ? "thread-local variables are not kept" : null));
        }
    }

    private void KeepGlobal(int symbol, string file, ulong alignment)
    {
        Definition old = Find(symbol);
        if (old.Unit is not { } unit || unit.Library != _library || old.Entry is not null || old.Tls is not null)
        {
            return;
        }

        string name = _resolution.Symbols.Text(symbol);
        ulong size = _resolution.Symbols[symbol].Size;
        (StateOutcome outcome, string? reason) = PolicyOf(name) switch
        {
            StatePolicy.Reset => (StateOutcome.Reset, null),
            StatePolicy.Migrate => (StateOutcome.Migrated, null),
            _ when old.Size != size => (StateOutcome.SizeChanged, SizeReason(old.Size, size)),
            _ when old.Address % alignment != 0 =>
                (StateOutcome.AlignmentChanged, $"it is to be aligned to {CountText.Of(alignment, "byte")}, and is at 0x{old.Address:x}"),
            _ => (StateOutcome.Kept, (string?)null),
        };
        if (outcome is StateOutcome.Kept)
        {
            _variables.Add((symbol, old.Address, _reports.Count));
            _older.Add(unit);
        }
        else if (outcome is StateOutcome.Migrated)
        {
            _migrations.Add((symbol, name, old));
        }

        _reports.Add(new StateReport(name, file, outcome, (long)old.Size, (long)size, reason));
    }

    /// <summary>
    /// A variable and the guard that tells whether it has been initialized (<c>_ZGV…</c>, Itanium C++ ABI, "Guard Variables")
    /// go together.
    /// </summary>
    private void TieGuards()
    {
        Dictionary<string, int> reports = new(StringComparer.Ordinal);
        for (int i = 0; i < _reports.Count; i++)
        {
            _ = reports.TryAdd(_reports[i].Name, i);
        }

        for (int i = _variables.Count - 1; i >= 0; i--)
        {
            _steps++;
            string name = _resolution.Symbols.Text(_variables[i].Symbol);
            const string guard = "_ZGV";
            string partner = name.StartsWith(guard, StringComparison.Ordinal) ? $"_Z{name[guard.Length..]}"
                : name.StartsWith("_Z", StringComparison.Ordinal) ? $"{guard}{name[2..]}"
                : "";
            if (reports.TryGetValue(partner, out int other) && _reports[other].Outcome is not StateOutcome.Kept)
            {
                int mine = _variables[i].Report;
                _reports[mine] = _reports[mine] with
                {
                    Outcome = StateOutcome.Reset,
                    Reason = $"{partner}, which belongs to it, is not kept",
                };
            }
        }

        _ = _variables.RemoveAll(variable => _reports[variable.Report].Outcome is not StateOutcome.Kept);
    }

    private Definition Find(int symbol) =>
        _library.Contents.Find(_resolution.Symbols[symbol].Hash, _resolution.Symbols.Name(symbol));

    private void Report(
        StateSections data, string name, StateOutcome outcome, ulong oldSize, ulong newSize, string? reason = null) =>
        _reports.Add(new StateReport(name, data.File.Elf.Name, outcome, (long)oldSize, (long)newSize, reason));

    private static string SizeReason(ulong old, ulong size) => $"it had {CountText.Of(old, "byte")} and has {size}";
}
