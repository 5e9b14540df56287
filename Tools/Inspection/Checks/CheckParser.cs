namespace ElfLoader.Inspection.Checks;

/// <summary>Reads equations. Operators have no precedence: they are applied from left to right.</summary>
/// <remarks>
/// <code>
/// rule    = expr '=' expr
/// expr    = simple { ('+' | '-' | '&amp;' | '|' | '&lt;&lt;' | '&gt;&gt;') simple }
/// simple  = ( '(' expr ')' | '*' '{' number '}' expr | number | function | symbol ) { '[' number ':' number ']' }
/// </code>
/// A load takes all that follows, up to the closing parenthesis or the end, for its address; so a slice behind it is one of
/// the address.
/// </remarks>
internal sealed class CheckParser
{
    /// <summary>Deeper than any person writes, and far from the end of the stack.</summary>
    private const int MaximumDepth = 200;

    private const string OperandKinds = "'(', '*', a symbol or a number";

    private readonly CheckScanner _scanner;
    private int _depth;

    private CheckParser(string text) => _scanner = new CheckScanner(text);

    /// <summary>Reads an equation.</summary>
    /// <exception cref="CheckException">It is malformed.</exception>
    internal static CheckEquation Parse(string text)
    {
        var parser = new CheckParser(text);
        CheckNode left = parser.Expression();
        parser._scanner.Take('=', "an operator or '='");
        CheckNode right = parser.Expression();
        return parser._scanner.Next is '\0'
            ? new CheckEquation(left, right)
            : throw parser._scanner.Unexpected("an operator or the end of the expression");
    }

    private CheckNode Expression()
    {
        CheckNode first = Simple();
        List<(CheckOperator, CheckNode)> rest = [];
        while (TryTakeOperator(out CheckOperator @operator))
        {
            rest.Add((@operator, Simple()));
        }

        return rest.Count > 0 ? new ChainNode(first.Offset, first, rest) : first;
    }

    private bool TryTakeOperator(out CheckOperator @operator)
    {
        (string mark, @operator) = _scanner.Next switch
        {
            '+' => ("+", CheckOperator.Add),
            '-' => ("-", CheckOperator.Subtract),
            '&' => ("&", CheckOperator.And),
            '|' => ("|", CheckOperator.Or),
            '<' => ("<<", CheckOperator.ShiftLeft),
            '>' => (">>", CheckOperator.ShiftRight),
            _ => ("", default),
        };
        return mark.Length > 0 && _scanner.TryTake(mark);
    }

    private CheckNode Simple()
    {
        if (++_depth > MaximumDepth)
        {
            throw new CheckException(_scanner.Position, $"the expression is nested more than {MaximumDepth} deep");
        }

        CheckNode node = Primary();
        int slices = 0;
        while (_scanner.TryTake("["))
        {
            const int bits = 64;
            int start = _scanner.Position;
            int high = _scanner.TakeNumber(0, bits - 1, "the number of the highest bit,");
            _scanner.Take(':', "':' and the number of the lowest bit");
            int low = _scanner.TakeNumber(0, bits - 1, "the number of the lowest bit,");
            _scanner.Take(']', "']'");
            if (high < low || ++slices > MaximumDepth)
            {
                throw new CheckException(start, $"expected the higher bit first, found [{high}:{low}]");
            }

            node = new SliceNode(node.Offset, node, high, low);
        }

        _depth--;
        return node;
    }

    private CheckNode Primary()
    {
        char next = _scanner.Next;
        int start = _scanner.Position;
        if (next is '(')
        {
            _scanner.Take('(', "'('");
            CheckNode inner = Expression();
            _scanner.Take(')', "an operator or ')'");
            return inner;
        }

        if (next is '*')
        {
            _scanner.Take('*', "'*'");
            _scanner.Take('{', "'{' and the number of bytes to load");
            int size = _scanner.TakeNumber(1, sizeof(ulong), "a number of bytes,");
            _scanner.Take('}', "'}'");
            return new LoadNode(start, size, Expression());
        }

        if (char.IsAsciiDigit(next))
        {
            return new NumberNode(start, _scanner.TakeNumber());
        }

        if (!_scanner.IsAtSymbol)
        {
            throw _scanner.Unexpected(OperandKinds);
        }

        string name = _scanner.TakeSymbol();
        return _scanner.Next is '(' ? Function(start, name) : new SymbolNode(start, name);
    }

    private CheckNode Function(int start, string name)
    {
        if (name is not ("decode_operand" or "next_pc" or "stub_addr" or "got_addr" or "section_addr"))
        {
            throw new CheckException(
                start,
                $"expected an operator after '{name}', which is no function: "
                + "those are decode_operand, next_pc, stub_addr, got_addr and section_addr");
        }

        _scanner.Take('(', "'('");
        CheckNode node = name switch
        {
            "decode_operand" => DecodeOperand(start),
            "next_pc" => NextPc(start),
            "section_addr" => SectionAddress(start),
            _ => StubOrSlot(start, name is "stub_addr"),
        };
        _scanner.Take(')', "')'");
        return node;
    }

    private DecodeOperandNode DecodeOperand(int start)
    {
        string symbol = _scanner.TakeSymbol();
        long distance = Distance();
        _scanner.Take(',', "'+' and a number, or ',' and the operand's index");
        return new DecodeOperandNode(start, symbol, distance, _scanner.TakeNumber());
    }

    private NextPcNode NextPc(int start)
    {
        string symbol = _scanner.TakeSymbol();
        return new NextPcNode(start, symbol, Distance());
    }

    private long Distance() => _scanner.TryTake("+")
        ? (long)_scanner.TakeNumber()
        : _scanner.TryTake("-") ? unchecked(-(long)_scanner.TakeNumber()) : 0;

    private SectionAddressNode SectionAddress(int start)
    {
        string file = _scanner.TakeUntil(',', "the name of an object");
        _scanner.Take(',', "','");
        return new SectionAddressNode(start, file, _scanner.TakeUntil(')', "the name of a section"));
    }

    private CheckNode StubOrSlot(int start, bool isStub)
    {
        string container = _scanner.TakeUntil(',', "the name of an object");
        _scanner.Take(',', "','");
        string symbol = _scanner.TakeSymbol();
        string? kind = _scanner.TryTake(",") ? _scanner.TakeUntil(')', "the kind of stub") : null;
        return isStub
            ? new StubAddressNode(start, container, symbol, kind)
            : new GotAddressNode(start, container, symbol);
    }
}
