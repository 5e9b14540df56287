using ElfLoader.Inspection.Operands;

namespace ElfLoader.Inspection.Checks;

/// <summary>Computes both sides of an equation: unsigned, 64 bits, wrapping around.</summary>
internal sealed class CheckEvaluator(ICheckTarget target)
{
    private readonly List<CheckedRange> _ranges = [];

    /// <summary>What has been looked at so far.</summary>
    internal IReadOnlyList<CheckedRange> Ranges => _ranges;

    /// <summary>Computes an expression.</summary>
    /// <exception cref="CheckException">It asks for something that does not exist.</exception>
    internal ulong Evaluate(CheckNode node) => Evaluate(node, isInsideLoad: false);

    private ulong Evaluate(CheckNode node, bool isInsideLoad)
    {
        try
        {
            return node switch
            {
                NumberNode number => number.Value,
                SymbolNode symbol => target.SymbolAddress(symbol.Name),
                ChainNode chain => Evaluate(chain, isInsideLoad),
                SliceNode slice => Slice(Evaluate(slice.Operand, isInsideLoad), slice.High, slice.Low),
                LoadNode load => Load(load),
                DecodeOperandNode operand => Operand(operand),
                NextPcNode next => NextPc(next),
                StubAddressNode stub => target.StubAddress(stub.Container, stub.Symbol, stub.Kind),
                GotAddressNode slot => target.GotAddress(slot.Container, slot.Symbol),
                SectionAddressNode section => target.SectionAddress(section.File, section.Section, isInsideLoad),
                _ => throw new InvalidOperationException($"{node.GetType().Name} is no node of an expression."),
            };
        }
        catch (CheckException exception) when (exception.Offset is null)
        {
            throw new CheckException(node.Offset, exception.Message);
        }
    }

    private ulong Evaluate(ChainNode chain, bool isInsideLoad)
    {
        ulong value = Evaluate(chain.First, isInsideLoad);
        foreach ((CheckOperator @operator, CheckNode operand) in chain.Rest)
        {
            ulong right = Evaluate(operand, isInsideLoad);
            value = @operator switch
            {
                CheckOperator.Add => unchecked(value + right),
                CheckOperator.Subtract => unchecked(value - right),
                CheckOperator.And => value & right,
                CheckOperator.Or => value | right,
                CheckOperator.ShiftLeft => right < 64 ? value << (int)right : 0,
                _ => right < 64 ? value >> (int)right : 0,
            };
        }

        return value;
    }

    private static ulong Slice(ulong value, int high, int low)
    {
        int width = high - low + 1;
        return (value >> low) & (width is 64 ? ulong.MaxValue : (1UL << width) - 1);
    }

    private ulong Load(LoadNode load)
    {
        ulong address = Evaluate(load.Address, isInsideLoad: true);
        _ranges.Add(new CheckedRange(address, load.Size));
        return target.Load(address, load.Size);
    }

    private ulong Operand(DecodeOperandNode node)
    {
        PlacedInstruction placed = Decode(node.Symbol, node.Distance);
        IReadOnlyList<MachineOperand> operands = placed.Instruction.Operands;
        string text = placed.Instruction.Text;
        if (node.Index >= (ulong)operands.Count)
        {
            throw new CheckException(
                $"there is no operand {node.Index}: '{text}' has {operands.Count}, "
                + $"{string.Join(", ", operands.Select((operand, i) => $"{i}: {operand}"))}");
        }

        MachineOperand wanted = operands[(int)node.Index];
        return wanted.Kind is MachineOperandKind.Immediate
            ? unchecked((ulong)wanted.Value)
            : throw new CheckException($"operand {node.Index} of '{text}' is not an immediate, but {wanted}");
    }

    private ulong NextPc(NextPcNode node)
    {
        PlacedInstruction placed = Decode(node.Symbol, node.Distance);
        return unchecked(placed.Address + (ulong)(placed.Instruction.Length + placed.Lead));
    }

    private PlacedInstruction Decode(string symbol, long distance)
    {
        PlacedInstruction placed = target.Decode(symbol, distance);
        _ranges.Add(new CheckedRange(placed.Address, placed.Instruction.Length));
        return placed;
    }
}

/// <summary>Bytes of the image that an expression looked at.</summary>
internal readonly record struct CheckedRange(ulong Address, int Size);
