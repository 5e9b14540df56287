using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Redirection;

/// <summary>A named piece of writable data in an object.</summary>
/// <param name="Symbol">Symbol index in the object.</param>
/// <param name="Section">Section that holds it.</param>
/// <param name="Name">Its name.</param>
/// <param name="Offset">Bytes from the start of the section.</param>
/// <param name="Size">Bytes.</param>
/// <param name="IsLocal">Whether only its object knows it.</param>
internal readonly record struct StateVariable(int Symbol, int Section, string Name, ulong Offset, ulong Size, bool IsLocal);

/// <summary>The writable data of an object, by section.</summary>
internal sealed class StateSections
{
    private readonly Dictionary<int, List<StateVariable>> _sections = [];
    private readonly HashSet<int> _constant = [];
    private readonly Dictionary<string, int> _stems = [];
    private readonly Dictionary<string, StateVariable> _byName = [];

    /// <summary>Lists the data of an object that is kept and writable, but what only the loader writes.</summary>
    internal StateSections(LinkObject file)
    {
        File = file;
        for (int i = 1; i < file.Elf.SymbolCount; i++)
        {
            SymbolRecord record = file.Elf.Symbol(i);
            if (record.Place is not SymbolPlace.Section || !IsState(file, record.Section))
            {
                continue;
            }

            if (file.Elf.SymbolName(i).StartsWith("DW.ref."u8)) // a pointer that compilers make for unwinding tables
            {
                _constant.Add(record.Section);
            }

            if (record.Type is not SymbolType.Object)
            {
                continue;
            }

            var variable = new StateVariable(
                i, record.Section, file.Elf.SymbolNameText(i), record.Value, record.Size, record.Binding is SymbolBinding.Local);
            if (!_sections.TryGetValue(record.Section, out List<StateVariable>? variables))
            {
                _sections.Add(record.Section, variables = []);
            }

            variables.Add(variable);
            _byName[variable.Name] = variable;
            string stem = StemOf(variable.Name);
            _stems[stem] = _stems.GetValueOrDefault(stem) + 1;
        }

        foreach (List<StateVariable> variables in _sections.Values)
        {
            variables.Sort((left, right) => left.Offset.CompareTo(right.Offset));
        }
    }

    /// <summary>The object.</summary>
    internal LinkObject File { get; }

    /// <summary>The unit that it is loaded in; null while it is not.</summary>
    internal LoadedUnit? Unit { get; init; }

    /// <summary>The sections with writable data of some size.</summary>
    internal IEnumerable<int> Sections
    {
        get
        {
            for (int i = 1; i < File.Sections.Length; i++)
            {
                if (IsState(File, i) && File.Elf.Sections[i].Size > 0 && !_constant.Contains(i))
                {
                    yield return i;
                }
            }
        }
    }

    /// <summary>The variables of a section, by offset.</summary>
    internal IReadOnlyList<StateVariable> this[int section] =>
        _sections.TryGetValue(section, out List<StateVariable>? variables) ? variables : [];

    /// <summary>The names of all its variables.</summary>
    internal IEnumerable<string> Names => _byName.Keys;

    /// <summary>Finds a variable; null if there is none.</summary>
    internal StateVariable? Find(string name) => _byName.TryGetValue(name, out StateVariable found) ? found : null;

    /// <summary>
    /// Whether the object has several local variables that only a number tells apart, which compilers give in the order of
    /// their appearance.
    /// </summary>
    internal bool IsAmbiguous(in StateVariable variable) => variable.IsLocal && _stems[StemOf(variable.Name)] > 1;

    /// <summary>Whether a section has bytes that no variable explains, nor the alignment of the next one.</summary>
    internal bool HasUnnamed(int section)
    {
        ulong alignment = Math.Max(File.Elf.Sections[section].Alignment, 1);
        ulong end = 0;
        foreach (StateVariable variable in this[section])
        {
            if (variable.Offset > end && variable.Offset - end >= alignment)
            {
                return true;
            }

            end = Math.Max(end, variable.Offset + variable.Size);
        }

        return File.Elf.Sections[section].Size > end && File.Elf.Sections[section].Size - end >= alignment;
    }

    /// <summary>Whether a section holds data that programs write.</summary>
    internal static bool IsState(LinkObject file, int section) =>
        file.Sections[section] is { Fate: SectionFate.Kept, Role: SectionRole.Ordinary, Block: (int)Memory.MemoryZone.Data }
        && (file.Elf.Sections[section].Flags & ElfConstants.SHF_WRITE) != 0;

    /// <summary>
    /// Whether a unit has data that a variable may point to: constants, tables, and variables but those that lie in the storage of
    /// an older unit. Code, unwind tables and slots do not count.
    /// </summary>
    internal static bool MayBePointedTo(LoadedUnit unit)
    {
        foreach (LinkObject file in unit.Objects)
        {
            for (int i = 1; i < file.Sections.Length; i++)
            {
                if (file.IsKept(i) && file.Elf.Sections[i].Size > 0 && file.Sections[i].Role is not SectionRole.Unwind
                    && file.Sections[i].Block is not (int)Memory.MemoryZone.Code
                    && (file.Sections[i].IsTls || file.SymbolBase(i) == file.Sections[i].Address))
                {
                    return true;
                }
            }
        }

        return unit.Objects.Count is 0;
    }

    /// <summary>The name without the number that gcc (<c>name.12</c>) and clang (<c>function.name.1</c>) append.</summary>
    private static string StemOf(string name)
    {
        int end = name.Length;
        while (end > 0 && char.IsAsciiDigit(name[end - 1]))
        {
            end--;
        }

        return end > 1 && end < name.Length && name[end - 1] is '.' ? name[..(end - 1)] : name;
    }
}
