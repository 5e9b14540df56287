namespace ElfLoader.Linking;

/// <summary>The loaded sections of a link by name, made when first asked: most links never ask.</summary>
internal sealed class SectionNames
{
    private readonly Dictionary<ulong, int> _last = [];
    private readonly List<(LinkObject File, int Index, int Before)> _sections = [];
    private int _objects;

    /// <summary>Finds the sections of a name, in the order of linking.</summary>
    /// <param name="name">The name.</param>
    /// <param name="objects">All objects of the link so far.</param>
    internal List<(LinkObject File, int Index)> Find(ReadOnlySpan<byte> name, IReadOnlyList<LinkObject> objects)
    {
        for (; _objects < objects.Count; _objects++)
        {
            Add(objects[_objects]);
        }

        List<(LinkObject File, int Index)> found = [];
        int next = _last.GetValueOrDefault(NameHash.Of(name), -1);
        while (next >= 0)
        {
            (LinkObject file, int index, next) = _sections[next];
            if (file.Elf.SectionName(index).SequenceEqual(name))
            {
                found.Add((file, index));
            }
        }

        found.Reverse();
        return found;
    }

    private void Add(LinkObject file)
    {
        for (int i = 1; i < file.Sections.Length; i++)
        {
            if (file.IsKept(i))
            {
                ulong hash = NameHash.Of(file.Elf.SectionName(i));
                _sections.Add((file, i, _last.GetValueOrDefault(hash, -1)));
                _last[hash] = _sections.Count - 1;
            }
        }
    }
}
