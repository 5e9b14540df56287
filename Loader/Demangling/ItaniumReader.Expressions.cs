using System.Globalization;

namespace ElfLoader.Demangling;

/// <summary>Expressions, which stand in the types of templates, and literals.</summary>
internal sealed partial class ItaniumReader
{
#pragma warning disable format
    /// <summary>operator-name: what is written, and the number of operands in an expression.</summary>
    private static readonly Dictionary<string, (string Text, int Operands)> Operators = new()
    {
        ["nw"] = (" new", 0), ["na"] = (" new[]", 0), ["dl"] = (" delete", 1), ["da"] = (" delete[]", 1), ["aw"] = (" co_await", 1),
        ["ps"] = ("+", 1), ["ng"] = ("-", 1), ["ad"] = ("&", 1), ["de"] = ("*", 1), ["co"] = ("~", 1), ["nt"] = ("!", 1),
        ["pp"] = ("++", 1), ["mm"] = ("--", 1),
        ["pl"] = ("+", 2), ["mi"] = ("-", 2), ["ml"] = ("*", 2), ["dv"] = ("/", 2), ["rm"] = ("%", 2), ["an"] = ("&", 2),
        ["or"] = ("|", 2), ["eo"] = ("^", 2), ["aS"] = ("=", 2), ["pL"] = ("+=", 2), ["mI"] = ("-=", 2), ["mL"] = ("*=", 2),
        ["dV"] = ("/=", 2), ["rM"] = ("%=", 2), ["aN"] = ("&=", 2), ["oR"] = ("|=", 2), ["eO"] = ("^=", 2), ["ls"] = ("<<", 2),
        ["rs"] = (">>", 2), ["lS"] = ("<<=", 2), ["rS"] = (">>=", 2), ["eq"] = ("==", 2), ["ne"] = ("!=", 2), ["lt"] = ("<", 2),
        ["gt"] = (">", 2), ["le"] = ("<=", 2), ["ge"] = (">=", 2), ["ss"] = ("<=>", 2), ["aa"] = ("&&", 2), ["oo"] = ("||", 2),
        ["cm"] = (",", 2), ["pm"] = ("->*", 2), ["ds"] = (".*", 2), ["dt"] = (".", 0), ["pt"] = ("->", 0), ["cl"] = ("()", 0),
        ["ix"] = ("[]", 0), ["qu"] = ("?", 0),
    };

    private static readonly Dictionary<string, string> Casts = new()
    {
        ["dc"] = "dynamic_cast", ["sc"] = "static_cast", ["cc"] = "const_cast", ["rc"] = "reinterpret_cast",
    };

    /// <summary>Functions of a type (true) or of an expression (false).</summary>
    private static readonly Dictionary<string, (string Text, bool OfType)> Queries = new()
    {
        ["st"] = ("sizeof ", true), ["sz"] = ("sizeof ", false), ["at"] = ("alignof ", true), ["az"] = ("alignof ", false),
        ["ti"] = ("typeid ", true), ["te"] = ("typeid ", false), ["nx"] = ("noexcept ", false),
    };

    private static readonly Dictionary<char, string> LiteralSuffixes = new()
    {
        ['i'] = "", ['j'] = "u", ['l'] = "l", ['m'] = "ul", ['x'] = "ll", ['y'] = "ull",
    };
#pragma warning restore format

    private NamePart? OperatorName(ref NameState state)
    {
        string code = Now is '\0' || Next is '\0' ? "" : text.Substring(_at, 2);
        if (code is "cv")
        {
            return Conversion(ref state);
        }

        if (code is "li")
        {
            _at += 2;
            return SourceName() is { } suffix ? new TextPart($"operator\"\" {suffix.Text}") : null;
        }

        if (code is ['v', >= '0' and <= '9'])
        {
            _at += 2;
            return SourceName() is { } vendor ? new TextPart($"operator {vendor.Text}") : null;
        }

        if (!Operators.TryGetValue(code, out (string Text, int) found))
        {
            return null;
        }

        _at += 2;
        return new TextPart($"operator{found.Text}");
    }

    private SequencePart? Conversion(ref NameState state)
    {
        _at += 2;
        bool permitted = _permitsForward;
        _permitsForward = true;
        NamePart? type = Type();
        _permitsForward = permitted;
        state.HasNoResult = true;
        return type is null ? null : new SequencePart("operator ", type);
    }

    /// <summary>expr-primary: a number, a truth value, or something that has a name.</summary>
    private NamePart? Literal()
    {
        _at++;
        if (Take("_Z"))
        {
            NamePart? encoding = Encoding();
            return Take('E') ? encoding : null;
        }

        char letter = Now;
        if (letter is 'b' && Next is '0' or '1')
        {
            string truth = Next is '1' ? "true" : "false";
            _at += 2;
            return Take('E') ? new TextPart(truth) : null;
        }

        if (Type() is not { } type)
        {
            return null;
        }

        int start = _at;
        while (Now is not ('E' or '\0'))
        {
            _at++;
        }

        string value = text[start.._at];
        if (!Take('E'))
        {
            return null;
        }

        value = value.StartsWith('n') ? $"-{value[1..]}" : value;
        if (letter is 'f' or 'd' or 'e' or 'g')
        {
            return new SequencePart("(", type, ")[", value, "]");
        }

        return LiteralSuffixes.TryGetValue(letter, out string? suffix)
            ? new TextPart(value + suffix)
            : new SequencePart("(", type, ")", value);
    }

    /// <summary>expression.</summary>
    private NamePart? Expression()
    {
        if (!TryEnter())
        {
            return Leave(null);
        }

        return Leave(Now switch
        {
            'L' => Literal(),
            'T' => TemplateParameter(),
            'f' when Next is 'p' or 'L' => FunctionParameter(),
            >= '1' and <= '9' => UnresolvedName(),
            _ => Operation(),
        });
    }

    private NamePart? Operation()
    {
        _ = Take("gs"); // the global scope does not show
        string code = Now is '\0' || Next is '\0' ? "" : text.Substring(_at, 2);
        _at += code.Length;
        if (Casts.TryGetValue(code, out string? cast))
        {
            return Type() is { } type && Expression() is { } operand
                ? new SequencePart($"{cast}<", type, ">(", operand, ")")
                : null;
        }

        if (Queries.TryGetValue(code, out (string Text, bool OfType) query))
        {
            NamePart? subject = query.OfType ? Type() : Expression();
            return subject is null ? null : new SequencePart(query.Text, "(", subject, ")");
        }

        switch (code)
        {
            case "sr" or "on" or "dn":
                _at -= 2;
                return UnresolvedName();
            case "sp":
                return Expression() is { } pattern ? new ExpansionPart(pattern) : null;
            case "sZ":
                return (Now is 'T' ? TemplateParameter() : (NamePart?)FunctionParameter()) is { } pack
                    ? new SequencePart("sizeof...(", pack, ")")
                    : null;
            case "cl":
                return Expression() is { } callee && Expressions() is { } arguments
                    ? new SequencePart(InParentheses(callee), "(", arguments, ")")
                    : null;
            case "cv":
                return ConversionExpression();
            case "tl":
                return Type() is { } made && Expressions() is { } values ? new SequencePart(made, "{", values, "}") { IsEnclosed = true } : null;
            case "il":
                return Expressions() is { } list ? new SequencePart("{", list, "}") { IsEnclosed = true } : null;
            case "dt" or "pt":
                return Expression() is { } owner && UnresolvedName() is { } member
                    ? new SequencePart(InParentheses(owner), code is "dt" ? "." : "->", member)
                    : null;
            case "ix":
                return Expression() is { } array && Expression() is { } index
                    ? new SequencePart(InParentheses(array), "[", index, "]")
                    : null;
            case "qu":
                return Expression() is { } condition && Expression() is { } yes && Expression() is { } no
                    ? new SequencePart(InParentheses(condition), "?", InParentheses(yes), " : ", InParentheses(no))
                    : null;
            case "tr":
                return new TextPart("throw");
            case "tw":
                return Expression() is { } thrown ? new SequencePart("throw ", thrown) : null;
            default:
                return Operators.TryGetValue(code, out (string Text, int Operands) found) ? Operation(found.Text, found.Operands) : null;
        }
    }

    private SequencePart? Operation(string symbol, int operands)
    {
        if (operands is 0)
        {
            return null;
        }

        bool isPrefix = operands is 1 && Take('_');
        if (Expression() is not { } first)
        {
            return null;
        }

        if (operands is 1)
        {
            return symbol is "++" or "--" && !isPrefix
                ? new SequencePart(InParentheses(first), symbol)
                : new SequencePart(symbol, InParentheses(first));
        }

        if (Expression() is not { } second)
        {
            return null;
        }

        // A '>' would end the template's arguments.
        return symbol is ">"
            ? new SequencePart("(", InParentheses(first), ">", InParentheses(second), ")")
            : new SequencePart(InParentheses(first), symbol, InParentheses(second));
    }

    private SequencePart? ConversionExpression()
    {
        if (Type() is not { } type)
        {
            return null;
        }

        if (!Take('_'))
        {
            return Expression() is { } operand ? new SequencePart("(", type, ")", InParentheses(operand)) : null;
        }

        return Expressions() is { } operands ? new SequencePart("(", type, ")(", operands, ")") : null;
    }

    private List<NamePart>? Expressions()
    {
        List<NamePart> expressions = [];
        while (!Take('E'))
        {
            if (Expression() is not { } expression)
            {
                return null;
            }

            expressions.Add(expression);
        }

        return expressions;
    }

    private static NamePart InParentheses(NamePart part) =>
        part is TextPart or NestedPart or SequencePart { IsEnclosed: true } ? part : new SequencePart("(", part, ")");

    private TextPart? FunctionParameter()
    {
        if (Take("fpT"))
        {
            return new TextPart("this");
        }

        if (Take("fL"))
        {
            if (Number() < 0 || !Take('p'))
            {
                return null;
            }
        }
        else if (!Take("fp"))
        {
            return null;
        }

        _ = Qualifiers();
        int number = Ordinal();
        return number < 0 ? null : new TextPart(string.Create(CultureInfo.InvariantCulture, $"{{parm#{number + 1}}}"));
    }

    /// <summary>unresolved-name: one whose meaning depends on template arguments.</summary>
    private NamePart? UnresolvedName()
    {
        _ = Take("gs");
        if (!Take("sr"))
        {
            return BaseUnresolvedName();
        }

        NamePart? scope;
        if (Take('N'))
        {
            scope = UnresolvedType();
            while (scope is not null && !Take('E'))
            {
                scope = SimpleName() is { } level ? new NestedPart(scope, level) : null;
            }
        }
        else if (char.IsAsciiDigit(Now))
        {
            scope = SimpleName();
            while (scope is not null && !Take('E'))
            {
                scope = SimpleName() is { } level ? new NestedPart(scope, level) : null;
            }
        }
        else
        {
            scope = UnresolvedType();
        }

        return scope is not null && BaseUnresolvedName() is { } name ? new NestedPart(scope, name) : null;
    }

    private NamePart? UnresolvedType() => Type();

    private NamePart? BaseUnresolvedName()
    {
        if (Take("dn"))
        {
            NamePart? destroyed = char.IsAsciiDigit(Now) ? SimpleName() : Type();
            return destroyed is null ? null : new SequencePart("~", destroyed);
        }

        if (char.IsAsciiDigit(Now))
        {
            return SimpleName();
        }

        _ = Take("on");
        NameState state = new() { Qualifiers = "" };
        return OperatorName(ref state) is not { } name ? null : Now is 'I' ? WithArguments(name) : name;
    }

    private NamePart? SimpleName() =>
        SourceName() is not { } name ? null : Now is 'I' ? WithArguments(name) : name;
}
