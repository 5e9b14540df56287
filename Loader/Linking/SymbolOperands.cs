using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Fills in the letters of a formula that a symbol stands for.</summary>
internal static class SymbolOperands
{
    /// <summary>Sets S, L, T and whether the symbol is a function; P and A are set.</summary>
    /// <param name="operands">The letters.</param>
    /// <param name="architecture">The machine.</param>
    /// <param name="rule">The row of the relocation.</param>
    /// <param name="symbol">The symbol.</param>
    /// <param name="tlsCall">Address of <see cref="Architecture.TlsCall"/>, where the link has one.</param>
    internal static void Bind(
        ref Operands operands, Architecture architecture, RelocationRule rule, in BoundSymbol symbol, ulong tlsCall)
    {
        if (rule.CallsTlsDescriptor)
        {
            Enter(ref operands, tlsCall, architecture.TlsCall!);
            return;
        }

        operands.S = operands.L = symbol.Value;
        operands.T = symbol.Is(SymbolTraits.Thumb) ? architecture.ThumbBit : 0;
        operands.IsFunction = symbol.Is(SymbolTraits.Function);
        if (symbol.Is(SymbolTraits.UndefinedWeak) && !symbol.Is(SymbolTraits.Tls))
        {
            architecture.BindUndefinedWeak(rule, ref operands);
        }
    }

    /// <summary>Sets S, L, T and whether it is a function to a stub.</summary>
    internal static void Enter(ref Operands operands, ulong address, StubShape stub)
    {
        operands.S = operands.L = address;
        operands.T = stub.IsThumb ? 1UL : 0;
        operands.IsFunction = true;
    }
}
