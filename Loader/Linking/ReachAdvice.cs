using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Says what would help where a 32-bit field cannot hold the distance to a symbol elsewhere.</summary>
internal sealed class ReachAdvice
{
    /// <summary>The advice for what code compiled without any flag reaches in 32 bits.</summary>
    internal const string OfDefaultCode =
        "gcc's default output (-fPIE) reaches data of shared libraries in 32 bits, and -fPIC avoids that: compile with -fPIC";

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
        string where = DescribeData(_resolution, file, symbol);
        return named.IsShared
            ? $"{where}, with which the object's own is one, out of reach of the {rule.Field.Size * 8}-bit field; compile with -fPIC, "
                + $"or load with {nameof(VagueLinkage)}.{nameof(VagueLinkage.Private)}"
            : outside.Owner is not null
            ? $"{where}; compile with -fPIC, or load the objects together"
            : $"{where}, out of reach of the {rule.Field.Size * 8}-bit field; "
                + (rule.Expression.IsPcRelative ? OfDefaultCode : "compile with -fPIC")
                + ", or give the static library (.a) as an input instead of the shared one";
    }

    /// <summary>Says that a symbol is data, of whom, and where.</summary>
    internal static string DescribeData(SymbolResolution resolution, LinkObject file, int symbol)
    {
        int global = file.Bound(symbol).Global;
        Definition outside = resolution.Outside(resolution.Symbols[global]);
        return $"'{file.DescribeSymbol(symbol)}' is data of {resolution.DescribeOutside(global)} at 0x{outside.Address:x}";
    }
}
