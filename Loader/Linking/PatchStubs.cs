using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Finds the stubs that a patched place may go through.</summary>
internal sealed class PatchStubs
{
    private readonly RelocationContext _context;

    internal PatchStubs(RelocationContext context) => _context = context;

    /// <summary>The stubs that may stand for the symbol of a relocation, with the letters of the formula that each gives.</summary>
    internal IEnumerable<(ImageStub Stub, Operands Operands)> Candidates(
        PatchedSection patched, RelocationRecord relocation, RelocationRule rule, Operands operands)
    {
        int section = patched.Relocations.Target;
        if (_context.BranchRoutes is { } routes && routes.TryRoute(patched.File, section, relocation.Offset, out BranchRoute route))
        {
            Operands through = operands;
            SymbolOperands.Enter(ref through, route.Address, route.Shape);
            through.A = -_context.Rules.Architecture.BranchOrigin(rule);
            yield return (routes.DescribeRoute(patched.File, section, relocation.Offset)!, through);
        }

        if (OfSymbol(patched.File, (int)relocation.Symbol) is { } stub)
        {
            Operands through = operands;
            SymbolOperands.Enter(ref through, stub.Address, _context.Rules.Architecture.Stub);
            yield return (stub, through);
        }
    }

    /// <summary>The stub of a symbol, if it has one.</summary>
    internal ImageStub? OfSymbol(LinkObject file, int symbol)
    {
        int index = _context.Stubs.Find(_context.Resolution.Symbols, file, symbol);
        if (index < 0)
        {
            return null;
        }

        Stub stub = _context.Stubs.All[index];
        StubShape shape = _context.Rules.Architecture.Stub;
        return new ImageStub(
            file.SymbolText(symbol),
            file.Elf.Name,
            stub.IsIfunc ? "iplt" : shape.Kind,
            stub.Address,
            shape.Size,
            stub.IsIfunc ? stub.Resolver : file.Symbols[symbol].Value);
    }
}
