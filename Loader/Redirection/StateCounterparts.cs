using ElfLoader.Linking;

namespace ElfLoader.Redirection;

/// <summary>The objects in use whose definitions new objects replace, and their variables by name.</summary>
internal sealed class StateCounterparts
{
    private readonly Dictionary<(LoadedUnit Unit, string Provider), StateSections> _known = [];
    private readonly Dictionary<LoadedUnit, Dictionary<string, LinkObject>> _objects = [];
    private readonly Dictionary<string, List<StateSections>> _byVariable = new(StringComparer.Ordinal);
    private readonly HashSet<StateSections> _current = [];
    private readonly List<StateSections> _inOrder = [];

    /// <summary>Objects and variables that were looked at.</summary>
    internal long Steps { get; private set; }

    /// <summary>Whether the present object replaces any.</summary>
    internal bool HasAny => _inOrder.Count > 0;

    /// <summary>Turns to the next new object.</summary>
    internal void Clear()
    {
        _current.Clear();
        _inOrder.Clear();
    }

    /// <summary>Notes that the present object replaces a definition.</summary>
    /// <param name="unit">The unit of that.</param>
    /// <param name="provider">The name of the object that it is from.</param>
    internal void Add(LoadedUnit unit, string provider)
    {
        Steps++;
        if (!_known.TryGetValue((unit, provider), out StateSections? sections))
        {
            if (!ObjectsOf(unit).TryGetValue(provider, out LinkObject? file))
            {
                return;
            }

            sections = new StateSections(file) { Unit = unit };
            _known.Add((unit, provider), sections);
            foreach (string name in sections.Names)
            {
                Steps++;
                if (!_byVariable.TryGetValue(name, out List<StateSections>? having))
                {
                    _byVariable.Add(name, having = []);
                }

                having.Add(sections);
            }
        }

        if (_current.Add(sections))
        {
            _inOrder.Add(sections);
        }
    }

    /// <summary>Those that the present object replaces and that have a variable of some name.</summary>
    internal IEnumerable<StateSections> Having(string variable)
    {
        if (!_byVariable.TryGetValue(variable, out List<StateSections>? having))
        {
            yield break;
        }

        // Many objects may have a static variable of the same name, and one may replace many: the shorter list is gone through.
        bool byName = having.Count < _inOrder.Count;
        foreach (StateSections sections in byName ? having : _inOrder)
        {
            Steps++;
            if (byName ? _current.Contains(sections) : sections.Find(variable) is not null)
            {
                yield return sections;
            }
        }
    }

    private Dictionary<string, LinkObject> ObjectsOf(LoadedUnit unit)
    {
        if (!_objects.TryGetValue(unit, out Dictionary<string, LinkObject>? objects))
        {
            _objects.Add(unit, objects = new Dictionary<string, LinkObject>(StringComparer.Ordinal));
            foreach (LinkObject file in unit.Objects)
            {
                Steps++;
                _ = objects.TryAdd(file.Elf.Name, file);
            }
        }

        return objects;
    }
}
