using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Says what would help where a 32-bit field cannot hold the distance to a symbol elsewhere.</summary>
internal sealed class ReachAdvice
{
    private readonly SymbolResolution _resolution;

    internal ReachAdvice(SymbolResolution resolution) => _resolution = resolution;

    /// <summary>The advice for a symbol of an object, or null.</summary>
    internal string? For(LinkObject file, int symbol, RelocationRule rule)
    {
        BoundSymbol bound = file.Symbols[symbol];
        if (bound.Global < 0)
        {
            return null;
        }

        if (bound.Is(SymbolTraits.UndefinedWeak))
        {
            return $"'{file.DescribeSymbol(symbol)}' is weak and has no definition, and its value 0 is out of reach; "
                + "compile with -fPIC";
        }

        if (!bound.Is(SymbolTraits.External))
        {
            return null;
        }

        ref readonly LinkSymbol named = ref _resolution.Symbols[bound.Global];
        Definition outside = _resolution.Outside(named);
        string where = $"'{file.DescribeSymbol(symbol)}' is data of {_resolution.DescribeOutside(bound.Global)} at 0x{outside.Address:x}";
        return named.IsShared
            ? $"{where}, with which the object's own is one, out of reach of the {rule.Field.Size * 8}-bit field; compile with -fPIC, "
                + $"or load with {nameof(VagueLinkage)}.{nameof(VagueLinkage.Private)}"
            : outside.Unit is not null
            ? $"{where}; compile with -fPIC, or load the objects together"
            : $"{where}, out of reach of the {rule.Field.Size * 8}-bit field; compile with -fPIC, "
                + "or give the static library (.a) as an input instead of the shared one";
    }
}
