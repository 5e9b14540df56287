using ElfLoader.Linking;
using ElfLoader.Relocations;

namespace ElfLoader.Images;

/// <summary>Says what would help where code of an image holds addresses in fields that are too small for where the image lies.</summary>
internal static class ImageReach
{
    private const int Narrow = 4; // bytes

    /// <summary>The advice for a symbol of an object, or null.</summary>
    internal static string? Advice(LinkObject file, int symbol, RelocationRule rule)
    {
        Expression expression = rule.Expression;
        bool isAddress = expression.UsesSymbol && !expression.IsPcRelative && !expression.IsThreadLocal && !expression.UsesGot && !expression.UsesStaticBase;
        BoundSymbol bound = file.Symbols[symbol];
        return isAddress && rule.Field.Size is Narrow && bound.Value > int.MaxValue
            && !bound.Is(SymbolTraits.Absolute | SymbolTraits.UndefinedWeak)
            ? "this code holds addresses in 32 bits: compile with -fPIC or -mcmodel=large, or link for lower addresses (--base)"
            : null;
    }
}
