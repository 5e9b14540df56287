namespace ElfLoader.Inspection;

/// <summary>Names of the addresses of a linked image: symbols, stubs, slots, and sections where there is nothing better.</summary>
public sealed class ImageNames
{
    private readonly ulong[] _starts;
    private readonly (string Name, ulong End)[] _names;
    private readonly ILookup<ulong, string> _labels;

    /// <summary>Collects them.</summary>
    public ImageNames(LinkedImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        ImageSymbol[] symbols =
        [
            .. image.Symbols.Where(symbol =>
                symbol is { Section: not null, Name: not ['$', ..], Type: not ("section" or "file" or "tls") }),
        ];
        _labels = symbols.Concat(image.Stubs.Select(Symbol)).ToLookup(symbol => symbol.Address, symbol => symbol.Name);

        // The first of an address counts: a symbol, then a stub or slot, then a section.
        SortedDictionary<ulong, (string Name, ulong End)> names = [];
        foreach (ImageSymbol symbol in symbols.OrderBy(symbol => symbol.Binding is "local").ThenByDescending(symbol => symbol.Size))
        {
            names.TryAdd(symbol.Address, (symbol.Name, symbol.Size is 0 ? ulong.MaxValue : symbol.Address + symbol.Size));
        }

        foreach (ImageSymbol stub in image.Stubs.Select(Symbol))
        {
            names.TryAdd(stub.Address, (stub.Name, stub.Address + stub.Size));
        }

        foreach (ImageGotSlot slot in image.Got)
        {
            names.TryAdd(slot.Address, ($"{slot.Symbol}@got", slot.Address + 1));
        }

        foreach (ImageSection section in image.Sections.Where(section => section.Size > 0))
        {
            names.TryAdd(section.Address, ($"{section.Object}({section.Section})", section.Address + section.Size));
        }

        _starts = [.. names.Keys];
        _names = [.. names.Values];
    }

    /// <summary>The names of what starts at an address.</summary>
    public IReadOnlyList<string> LabelsAt(ulong address) => [.. _labels[address].Distinct()];

    /// <summary>What an address lies in.</summary>
    /// <param name="address">The address.</param>
    /// <param name="name">Its name.</param>
    /// <param name="start">Where it starts.</param>
    /// <returns>False if nothing is known to be there.</returns>
    public bool TryFind(ulong address, out string name, out ulong start)
    {
        int index = Array.BinarySearch(_starts, address);
        index = index < 0 ? ~index - 1 : index;
        (name, start) = index < 0 ? ("", 0) : (_names[index].Name, _starts[index]);
        return index >= 0 && (address < _names[index].End || address == start);
    }

    /// <summary>An address in words: <c>table+0x8</c>; null if nothing is known to be there.</summary>
    public string? Describe(ulong address) => !TryFind(address, out string name, out ulong start) ? null
        : address == start ? name
        : $"{name}+0x{address - start:x}";

    private static ImageSymbol Symbol(ImageStub stub) =>
        new($"{stub.Symbol}@{stub.Kind}", stub.Object, "", stub.Address, (ulong)stub.Size, "local", "func");
}
