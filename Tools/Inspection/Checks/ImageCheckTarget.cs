using ElfLoader.Inspection.Operands;
using ElfLoader.Memory;

namespace ElfLoader.Inspection.Checks;

/// <summary>What expressions can ask of an image.</summary>
internal sealed class ImageCheckTarget : ICheckTarget
{
    private const string GotSymbol = "_GLOBAL_OFFSET_TABLE_";

    private readonly LinkedImage _image;
    private readonly ImageCode _code;
    private readonly IReadOnlyDictionary<string, DefinedSymbol> _definitions;
    private readonly ObjectNames _objects;
    private readonly StubsAndSlots _stubs;
    private readonly FileSectionBytes _fileSections;
    private readonly Dictionary<string, ImageSymbol> _symbols = [];

    internal ImageCheckTarget(
        LinkedImage image, ImageCode code, IReadOnlyDictionary<string, DefinedSymbol> definitions)
    {
        _image = image;
        _code = code;
        _definitions = definitions;
        _objects = new ObjectNames(image);
        _stubs = new StubsAndSlots(image, _objects);
        _fileSections = new FileSectionBytes(image);
        foreach (ImageSymbol symbol in image.Symbols) // as in LLVM, the last local symbol of a name; but a global one before it
        {
            if (symbol.Binding is not "local" || !_symbols.TryGetValue(symbol.Name, out ImageSymbol? other) || other.Binding is "local")
            {
                _symbols[symbol.Name] = symbol;
            }
        }
    }

    /// <inheritdoc/>
    public ulong SymbolAddress(string name) => Find(name).Address;

    /// <inheritdoc/>
    public ulong SectionAddress(string file, string section, bool isInsideLoad)
    {
        string name = _objects.Find(file);
        if (section is ".got" or "$__GOT" && _image.GotTables.FirstOrDefault(table => table.Object == name) is { } table)
        {
            return table.Address;
        }

        foreach (ImageSection candidate in _image.Sections)
        {
            if (candidate.Object == name && (candidate.Section == section || $"{candidate.Section}#{candidate.Index}" == section))
            {
                return candidate.Address;
            }
        }

        return _fileSections.Find(name, section) is { } bytes
            ? isInsideLoad ? bytes : 0UL
            : throw new CheckException($"{name} has no section '{section}' in the image");
    }

    /// <inheritdoc/>
    public ulong StubAddress(string container, string symbol, string? kind) => _stubs.Stub(container, symbol, kind);

    /// <inheritdoc/>
    public ulong GotAddress(string container, string symbol) => _stubs.Slot(container, symbol);

    /// <inheritdoc/>
    public ulong Load(ulong address, int size)
    {
        Span<byte> bytes = stackalloc byte[size];
        if (!_image.TryRead(address, bytes) && !_fileSections.TryRead(address, bytes))
        {
            return address is 0 // as in LLVM, where nothing is, zero is
                ? 0UL
                : throw new CheckException($"there are no {CountText.Of(size, "byte")} at 0x{address:x}: no section of the image is there");
        }

        ulong value = 0;
        for (int i = size - 1; i >= 0; i--)
        {
            value = (value << 8) | bytes[i];
        }

        return value;
    }

    /// <inheritdoc/>
    public PlacedInstruction Decode(string symbol, long distance)
    {
        (ulong start, bool isThumb) = Find(symbol);
        ulong address = unchecked(start + (ulong)distance);
        DecodedInstruction instruction = _code.Decode(address, isThumb)
            ?? throw new CheckException($"there is no instruction at 0x{address:x}, {NameOf(symbol, distance)}");
        return new PlacedInstruction(address, instruction, _code.LeadAt(address, isThumb));
    }

    private static string NameOf(string symbol, long distance) => distance switch
    {
        0 => $"'{symbol}'",
        < 0 => $"'{symbol}' - {unchecked(0UL - (ulong)distance)}",
        _ => $"'{symbol}' + {distance}",
    };

    private (ulong Address, bool IsThumb) Find(string name)
    {
        if (_symbols.TryGetValue(name, out ImageSymbol? symbol))
        {
            return (symbol.Address, symbol.IsThumb);
        }

        if (_definitions.TryGetValue(name, out DefinedSymbol defined))
        {
            return (defined.Address, defined.Thumb is true);
        }

        if (name is GotSymbol)
        {
            ulong[] tables = [.. _image.GotTables.Select(table => table.Address).Distinct()];
            return tables is [var only] ? (only, false) : throw new CheckException(
                tables is []
                    ? $"no object uses a global offset table, so there is no '{name}'"
                    : $"each object has a '{name}' of its own: write section_addr(OBJECT, .got)");
        }

        throw new CheckException(
            name.StartsWith(".L", StringComparison.Ordinal)
                ? $"there is no symbol '{name}': assemblers keep labels that start with .L out of the symbol table"
                : $"there is no symbol '{name}'");
    }
}
