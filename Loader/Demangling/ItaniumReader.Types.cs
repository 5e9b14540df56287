using System.Globalization;

namespace ElfLoader.Demangling;

/// <summary>Types.</summary>
internal sealed partial class ItaniumReader
{
#pragma warning disable format
    private static readonly Dictionary<char, string> Builtin = new()
    {
        ['v'] = "void", ['w'] = "wchar_t", ['b'] = "bool", ['c'] = "char", ['a'] = "signed char", ['h'] = "unsigned char",
        ['s'] = "short", ['t'] = "unsigned short", ['i'] = "int", ['j'] = "unsigned int", ['l'] = "long", ['m'] = "unsigned long",
        ['x'] = "long long", ['y'] = "unsigned long long", ['n'] = "__int128", ['o'] = "unsigned __int128", ['f'] = "float",
        ['d'] = "double", ['e'] = "long double", ['g'] = "__float128", ['z'] = "...",
    };

    private static readonly Dictionary<char, string> BuiltinAfterD = new()
    {
        ['d'] = "decimal64", ['e'] = "decimal128", ['f'] = "decimal32", ['h'] = "_Float16", ['i'] = "char32_t", ['s'] = "char16_t",
        ['u'] = "char8_t", ['a'] = "auto", ['c'] = "decltype(auto)", ['n'] = "decltype(nullptr)",
    };
#pragma warning restore format

    /// <summary>type. All but the built-in ones, and what was substituted itself, are substitutions.</summary>
    private NamePart? Type()
    {
        if (!TryEnter())
        {
            return Leave(null);
        }

        if (Builtin.TryGetValue(Now, out string? name))
        {
            _at++;
            return Leave(new TextPart(name));
        }

        if (Now is 'D' && BuiltinAfterD.TryGetValue(Next, out name))
        {
            _at += 2;
            return Leave(new TextPart(name));
        }

        if (Now is 'S' && Next is not 't')
        {
            NamePart? substitution = Substitution();
            if (substitution is null || Now is not 'I')
            {
                return Leave(substitution);
            }

            NamePart? template = WithArguments(substitution);
            if (template is not null)
            {
                _substitutions.Add(template);
            }

            return Leave(template);
        }

        NamePart? type = Now switch
        {
            'r' or 'V' or 'K' => QualifiedType(),
            'U' => VendorQualified(),
            'u' => VendorType(),
            'P' => After(1) is { } target ? new PointerPart(target) : null,
            'R' => After(1) is { } target ? new ReferencePart(target, isRvalue: false) : null,
            'O' => After(1) is { } target ? new ReferencePart(target, isRvalue: true) : null,
            'C' => After(1) is { } target ? new QualifiedPart(target, " _Complex") : null,
            'G' => After(1) is { } target ? new QualifiedPart(target, " _Imaginary") : null,
            'F' => FunctionType(""),
            'A' => ArrayType(),
            'M' => MemberPointer(),
            'T' when Next is 's' or 'u' or 'e' => Elaborated(),
            'T' => TemplateParameterType(),
            'D' => TypeAfterD(),
            _ => ClassOrEnum(),
        };
        if (type is not null)
        {
            _substitutions.Add(type);
        }

        return Leave(type);
    }

    private NamePart? After(int letters)
    {
        _at += letters;
        return Type();
    }

    private NamePart? ClassOrEnum()
    {
        NameState state = new() { Qualifiers = "" };
        return Name(ref state, isOfEncoding: false);
    }

    private NamePart? Elaborated()
    {
        _at += 2;
        return ClassOrEnum();
    }

    private string Qualifiers()
    {
        string restrict = Take('r') ? " restrict" : "";
        string isVolatile = Take('V') ? " volatile" : "";
        string isConst = Take('K') ? " const" : "";
        return isConst + isVolatile + restrict;
    }

    private NamePart? QualifiedType()
    {
        string qualifiers = Qualifiers();
        if (Now is 'F')
        {
            return FunctionType(qualifiers);
        }

        return Type() is { } type ? new QualifiedPart(type, qualifiers) : null;
    }

    private NamePart? VendorQualified()
    {
        _at++;
        if (SourceName() is not { } word)
        {
            return null;
        }

        List<NamePart>? arguments = null;
        if (Now is 'I' && (arguments = TemplateArguments(isOfEncoding: false)) is null)
        {
            return null;
        }

        return Type() is not { } type ? null
            : arguments is null ? new QualifiedPart(type, $" {word.Text}")
            : new SequencePart(type, " ", new TemplatePart(word, arguments));
    }

    private NamePart? VendorType()
    {
        _at++;
        if (SourceName() is not { } name)
        {
            return null;
        }

        return Now is not 'I' ? name : TemplateArguments(isOfEncoding: false) is { } arguments ? new TemplatePart(name, arguments) : null;
    }

    private NamePart? TypeAfterD()
    {
        switch (Next)
        {
            case 't' or 'T':
                return Decltype();
            case 'p':
                return After(2) is { } pattern ? new ExpansionPart(pattern) : null;
            case 'v':
                return VectorType();
            case 'o' or 'O' or 'w' or 'x':
                return ExceptionSpecified();
            case 'F':
                _at += 2;
                int bits = Number();
                return bits > 0 && (Take('_') || Take('x'))
                    ? new TextPart(string.Create(CultureInfo.InvariantCulture, $"_Float{bits}{(text[_at - 1] is 'x' ? "x" : "")}"))
                    : null;
            default:
                return null;
        }
    }

    private SequencePart? VectorType()
    {
        _at += 2;
        NamePart? size;
        if (Take('_'))
        {
            size = Expression();
        }
        else
        {
            int start = _at;
            size = Number() > 0 ? new TextPart(text[start.._at]) : null;
        }

        return size is not null && Take('_') && Type() is { } element
            ? new SequencePart(element, " __vector(", size, ")")
            : null;
    }

    private FunctionPart? ExceptionSpecified()
    {
        string suffix = "";
        if (Take("Do"))
        {
            suffix = " noexcept";
        }
        else if (Take("DO"))
        {
            if (Expression() is null || !Take('E'))
            {
                return null;
            }

            suffix = " noexcept";
        }
        else if (Take("Dw"))
        {
            while (!Take('E'))
            {
                if (Type() is null)
                {
                    return null;
                }
            }

            suffix = " throw";
        }
        else
        {
            _ = Take("Dx"); // transaction-safe
        }

        return Now is 'F' ? FunctionType(suffix) : null;
    }

    private FunctionPart? FunctionType(string qualifiers)
    {
        _at++;
        _ = Take('Y'); // C linkage does not show
        if (Type() is not { } result)
        {
            return null;
        }

        string reference = "";
        List<NamePart>? parameters = Parameters(atEnd: () =>
        {
            if (Now is 'R' or 'O' && Next is 'E')
            {
                reference = Now is 'R' ? " &" : " &&";
                _at++;
            }

            return Now is 'E' or '\0';
        });
        return parameters is not null && Take('E') ? new FunctionPart(result, null, parameters, qualifiers + reference) : null;
    }

    private ArrayPart? ArrayType()
    {
        _at++;
        NamePart? size = null;
        if (char.IsAsciiDigit(Now))
        {
            int start = _at;
            while (char.IsAsciiDigit(Now))
            {
                _at++;
            }

            size = new TextPart(text[start.._at]);
        }
        else if (Now is not '_' && (size = Expression()) is null)
        {
            return null;
        }

        return Take('_') && Type() is { } element ? new ArrayPart(element, size) : null;
    }

    private PointerPart? MemberPointer()
    {
        _at++;
        return Type() is { } owner && Type() is { } member ? new PointerPart(member, owner) : null;
    }

    private SequencePart? Decltype()
    {
        _at += 2;
        return Expression() is { } expression && Take('E') ? new SequencePart("decltype (", expression, ")") : null;
    }
}
