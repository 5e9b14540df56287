using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>The signatures of the COMDAT groups that a link keeps.</summary>
internal sealed class GroupSignatures
{
    private readonly IReadOnlyList<LinkObject> _objects;
    private readonly Dictionary<ulong, List<(int Object, int Symbol)>> _names = [];

    internal GroupSignatures(IReadOnlyList<LinkObject> objects) => _objects = objects;

    /// <summary>Adds a name; false if it was there.</summary>
    internal bool Add(ulong hash, int file, int symbol)
    {
        if (!_names.TryGetValue(hash, out List<(int Object, int Symbol)>? same))
        {
            _names.Add(hash, [(file, symbol)]);
            return true;
        }

        ReadOnlySpan<byte> name = Signature(_objects[file].Elf, symbol);
        foreach ((int otherFile, int otherSymbol) in same)
        {
            if (Signature(_objects[otherFile].Elf, otherSymbol).SequenceEqual(name))
            {
                return false;
            }
        }

        same.Add((file, symbol));
        return true;
    }

    /// <summary>The hashes and the places of the names.</summary>
    internal IEnumerable<(ulong Hash, int Object, int Symbol)> All() =>
        from pair in _names
        from place in pair.Value
        select (pair.Key, place.Object, place.Symbol);

    /// <summary>
    /// The name of a group: that of its symbol, or, where that is a section symbol, of the section (gABI, "Section Groups").
    /// </summary>
    internal static ReadOnlySpan<byte> Signature(ElfObject elf, int symbol)
    {
        SymbolRecord record = elf.Symbol(symbol);
        return record.Type is SymbolType.Section && record.Place is SymbolPlace.Section
            ? elf.SectionName(record.Section)
            : elf.SymbolName(symbol);
    }
}
