using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Relocations;

namespace ElfLoader.Images;

/// <summary>A stub of an image: code near a branch through which that reaches its target.</summary>
/// <param name="File">The object whose branch needed it first.</param>
/// <param name="Section">The section that this branch is in.</param>
/// <param name="Symbol">The target's symbol in that object.</param>
/// <param name="Offset">Distance of the target from the symbol.</param>
/// <param name="Shape">Its code.</param>
/// <param name="Piece">Its place.</param>
/// <param name="Callee">The target, where that is code of the linker's own rather than the symbol; else null.</param>
internal sealed record BranchStub(
    LinkObject File, int Section, int Symbol, long Offset, StubShape Shape, ImagePiece Piece, ImagePiece? Callee)
{
    /// <summary>Where it leads; bit 0 is set where that is Thumb code.</summary>
    internal ulong Target => unchecked((Callee?.Address ?? File.Symbols[Symbol].Value) + (ulong)Offset)
        | (Callee is null && File.Symbols[Symbol].Is(SymbolTraits.Thumb) ? 1UL : 0);

    /// <summary>As maps list it.</summary>
    internal ImageStub Describe() =>
        new(File.SymbolText(Symbol), File.Elf.Name, Shape.Kind, Piece.Address, Shape.Size, Target);
}

/// <summary>
/// Finds the branches of an image that cannot reach their targets, and gives them stubs: one for each target and shape, and
/// as many more as it takes for every branch to reach one.
/// </summary>
/// <remarks>
/// A stub stands behind the section whose branch needed it first, so that it is near however large the code is. It moves
/// what comes after it, so layout and search take turns until nothing more is needed.
/// </remarks>
internal sealed class BranchStubs : IBranchRoutes
{
    /// <summary>Of relocations that may be of branches.</summary>
    private const RuleNeeds Branches = RuleNeeds.Branch | RuleNeeds.NarrowRelative;

    private readonly ImageMachine _machine;
    private readonly ImageSections _sections;
    private readonly SymbolResolution _resolution;
    private readonly List<BranchStub> _stubs = [];
    private readonly Dictionary<(int File, int Symbol, long Offset), List<BranchStub>> _byTarget = [];
    private readonly Dictionary<(int File, int Section, ulong Offset), BranchStub> _routes = [];

    internal BranchStubs(ImageMachine machine, ImageSections sections, SymbolResolution resolution)
    {
        _machine = machine;
        _sections = sections;
        _resolution = resolution;
    }

    /// <summary>The stubs, in the order in which they were needed.</summary>
    internal IReadOnlyList<BranchStub> All => _stubs;

    /// <inheritdoc/>
    public bool TryRoute(LinkObject file, int section, ulong offset, out BranchRoute route)
    {
        BranchStub? stub = StubOf(file, section, offset);
        route = stub is null ? default : new BranchRoute(stub.Piece.Address, stub.Shape);
        return stub is not null;
    }

    /// <inheritdoc/>
    public ImageStub? DescribeRoute(LinkObject file, int section, ulong offset) => StubOf(file, section, offset)?.Describe();

    private BranchStub? StubOf(LinkObject file, int section, ulong offset) =>
        _routes.Count > 0 ? _routes.GetValueOrDefault((file.Ordinal, section, offset)) : null;

    /// <summary>Looks at all branches with the addresses of the moment; true if stubs were added, so that these change.</summary>
    internal bool Update()
    {
        int before = _stubs.Count;
        foreach (LinkObject file in _resolution.Objects)
        {
            foreach (ref readonly RelocationSection section in file.Elf.RelocationSections)
            {
                if (file.IsKept(section.Target) && file.Elf.Sections[section.Target].Has(ElfConstants.SHF_EXECINSTR)
                    && (_routes.Count > 0 || !AllReach(file, section)))
                {
                    Update(file, section);
                }
            }
        }

        return _stubs.Count > before;
    }

    /// <summary>
    /// Whether all distances of a section are within their fields, as nearly always, so that none of its branches has to be
    /// looked at. False where that is not as simple.
    /// </summary>
    private bool AllReach(LinkObject file, in RelocationSection section)
    {
        ReadOnlySpan<Rela64> entries = file.Elf.RelaEntries(section);
        if (entries.Length < section.Count)
        {
            return false;
        }

        ReadOnlySpan<RuleFacts> facts = _machine.Rules.Facts;
        ReadOnlySpan<BoundSymbol> symbols = file.Symbols;
        ulong address = file.Sections[section.Target].Address;
        foreach (ref readonly Rela64 entry in entries)
        {
            RuleFacts fact = facts[(byte)entry.Type]; // the scan has let through known types only
            if ((fact.Needs & Branches) == 0)
            {
                continue;
            }

            ref readonly BoundSymbol symbol = ref symbols[(int)entry.Symbol];
            long distance = unchecked((long)symbol.Value + entry.Addend - (long)(address + entry.Offset));
            if (fact.Path is not RulePath.Relative32
                || (distance != (int)distance && !symbol.Is(SymbolTraits.Discarded | SymbolTraits.Tls))
                || symbol.Is(SymbolTraits.UndefinedWeak))
            {
                return false;
            }
        }

        return true;
    }

    private void Update(LinkObject file, in RelocationSection section)
    {
        ReadOnlySpan<byte> bytes = file.Elf.SectionBytes(section.Target);
        ulong address = file.Sections[section.Target].Address;
        bool isImplicit = LinkRules.HasImplicitAddend(section);
        foreach (RelocationRecord record in file.Elf.Relocations(section))
        {
            RelocationRule rule = _machine.Rules[record.Type]!;
            ref readonly BoundSymbol symbol = ref file.Symbols[(int)record.Symbol];
            if ((_machine.Rules.Needs(record.Type) & Branches) == 0
                || (symbol.Is(SymbolTraits.Discarded | SymbolTraits.Tls) && !rule.CallsTlsDescriptor))
            {
                continue;
            }

            var operands = new Operands
            {
                A = isImplicit ? rule.ReadAddend(bytes[(int)record.Offset..]) : record.Addend,
                P = address + record.Offset,
            };
            SymbolOperands.Bind(ref operands, _machine.Rules.Architecture, rule, symbol, _sections.TlsCall?.Address ?? 0);
            if (_machine.Rules.Architecture.StubFor(rule, bytes, (int)record.Offset, operands) is { } shape)
            {
                Route(file, section.Target, record, rule, operands, shape);
            }
            else
            {
                _ = _routes.Remove((file.Ordinal, section.Target, record.Offset));
            }
        }
    }

    private void Route(
        LinkObject file, int section, in RelocationRecord record, RelocationRule rule, Operands operands, StubShape shape)
    {
        Architecture architecture = _machine.Rules.Architecture;
        int symbol = (int)record.Symbol;
        int global = file.Symbols[symbol].Global;
        long origin = architecture.BranchOrigin(rule);
        long offset = operands.A + origin;
        (int, int, long) key = rule.CallsTlsDescriptor ? (-2, 0, offset)
            : global >= 0 ? (-1, global, offset)
            : (file.Ordinal, symbol, offset);
        if (!_byTarget.TryGetValue(key, out List<BranchStub>? stubs))
        {
            _byTarget.Add(key, stubs = []);
        }

        ReadOnlySpan<byte> bytes = file.Elf.SectionBytes(section);
        operands.A = -origin;
        foreach (BranchStub candidate in stubs)
        {
            SymbolOperands.Enter(ref operands, candidate.Piece.Address, candidate.Shape);
            if (candidate.Shape == shape && architecture.StubFor(rule, bytes, (int)record.Offset, operands) is null)
            {
                _routes[(file.Ordinal, section, record.Offset)] = candidate;
                return;
            }
        }

        if (stubs.Exists(stub => stub.File == file && stub.Section == section && stub.Shape == shape))
        {
            return; // one behind this very section does not reach either: the relocation pass will say so
        }

        var piece = new ImagePiece
        {
            Size = (ulong)shape.Size,
            Alignment = (ulong)shape.Alignment,
            Bytes = new byte[shape.Size],
        };
        Host(PieceOf(file, section), piece);
        ImagePiece? callee = rule.CallsTlsDescriptor ? _sections.TlsCall : null;
        var stub = new BranchStub(file, section, symbol, offset, shape, piece, callee);
        _stubs.Add(stub);
        stubs.Add(stub);
        _routes[(file.Ordinal, section, record.Offset)] = stub;
    }

    private ImagePiece PieceOf(LinkObject file, int section) => _sections.Memory.Piece(file.Sections[section].Block);

    /// <summary>
    /// Gives a stub a place: behind its caller, unless that would tear a function apart or overlap what the caller of the
    /// linker has placed; then in the code that is nearest and has room.
    /// </summary>
    private void Host(ImagePiece caller, ImagePiece stub)
    {
        ImageOutput output = caller.Output;
        if (HasRoom(output, stub) && !IsOneFunction(output))
        {
            output.InsertAfter(caller, stub);
            stub.Offset = caller.Offset + caller.Size; // about there, until the next layout, for the branches that follow
            return;
        }

        ImageOutput? nearest = IsOneFunction(output) ? output : _sections.Outputs
            .Where(other => other.Zone is ImageZone.Code && !IsOneFunction(other) && HasRoom(other, stub))
            .MinBy(other => Math.Max(other.Address, output.Address) - Math.Min(other.Address, output.Address));
        if (nearest is null)
        {
            _sections.AddCode(stub);
        }
        else
        {
            stub.Offset = nearest.Size;
            nearest.Add(stub);
        }
    }

    /// <summary>Whether an output section's pieces are parts of one function, which falls through them.</summary>
    private static bool IsOneFunction(ImageOutput output) => output.Name is ".init" or ".fini";

    /// <summary>Whether a stub at the end of an output section would leave everything where the caller has placed it.</summary>
    private bool HasRoom(ImageOutput output, ImagePiece stub)
    {
        if (output.FixedAddress is not { } end)
        {
            return true;
        }

        foreach (ImagePiece piece in output.Pieces.Append(stub))
        {
            ulong start = (end + piece.Alignment - 1) & ~(piece.Alignment - 1);
            if (start < end || piece.Size > ulong.MaxValue - start)
            {
                return false;
            }

            end = start + piece.Size;
        }

        return (_machine.Is64Bit || end <= 1UL << 32)
            && !_sections.Outputs.Any(other => other.FixedAddress > output.Address && other.FixedAddress < end);
    }
}
