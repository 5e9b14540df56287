using System.Globalization;

namespace ElfLoader.Demangling;

/// <summary>
/// Reads mangled names by the grammar of the Itanium C++ ABI, "External Names (a.k.a. Mangling)". Members are named after its
/// productions; each returns null where the text is none of it.
/// </summary>
/// <param name="text">The name, from what follows <c>_Z</c> on.</param>
internal sealed partial class ItaniumReader(string text)
{
    /// <summary>Productions in one another: far more than compilers make, and far less than the stack holds.</summary>
    private const int MostDepth = 192;

    private readonly List<NamePart> _substitutions = [];
    private readonly List<ForwardPart> _forward = [];
    private List<NamePart> _arguments = [];
    private int _at;
    private int _depth;
    private bool _permitsForward;
    private bool _isInLambda;

    /// <summary>What is known of a name when it has been read.</summary>
    private struct NameState
    {
        /// <summary>Its last part has template arguments: a function says what it returns, then.</summary>
        internal bool EndsWithArguments;

        /// <summary>A constructor, a destructor, or a conversion: no result is mangled.</summary>
        internal bool HasNoResult;

        /// <summary>The qualifiers of a member function.</summary>
        internal string Qualifiers;
    }

    private char Now => _at < text.Length ? text[_at] : '\0';

    private char Next => _at + 1 < text.Length ? text[_at + 1] : '\0';

    private bool IsAtEnd => _at == text.Length || Now is 'E' or '.';

    /// <summary>Reads a whole name: an encoding, and what compilers append to copies of functions.</summary>
    internal NamePart? MangledName()
    {
        NamePart? encoding = Encoding();
        if (encoding is null || _at == text.Length)
        {
            return encoding;
        }

        if (Now is not '.')
        {
            return null;
        }

        // GCC: ".isra.0.cold" is " [clone .isra.0] [clone .cold]".
        List<object> parts = [encoding];
        while (Now is '.')
        {
            int start = _at++;
            int letters = _at;
            while (char.IsAsciiLetter(Now) || Now is '_')
            {
                _at++;
            }

            if (_at == letters && !char.IsAsciiDigit(Now))
            {
                return null;
            }

            while (Now is '.' && char.IsAsciiDigit(Next) || char.IsAsciiDigit(Now))
            {
                _at++;
            }

            parts.Add($" [clone {text[start.._at]}]");
        }

        return _at == text.Length ? new SequencePart([.. parts]) : null;
    }

    private bool Take(char letter)
    {
        if (Now != letter)
        {
            return false;
        }

        _at++;
        return true;
    }

    private bool Take(string letters)
    {
        if (!text.AsSpan(_at).StartsWith(letters, StringComparison.Ordinal))
        {
            return false;
        }

        _at += letters.Length;
        return true;
    }

    private bool TryEnter() => ++_depth <= MostDepth;

    private NamePart? Leave(NamePart? part)
    {
        _depth--;
        return part;
    }

    /// <summary>A decimal number that fits; -1 for none.</summary>
    private int Number()
    {
        int start = _at;
        while (char.IsAsciiDigit(Now))
        {
            _at++;
        }

        return _at > start && int.TryParse(text.AsSpan(start.._at), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : -1;
    }

    /// <summary>The number of a sequence, <c>_</c> or <c>0_</c> and so on; -1 for none.</summary>
    private int Ordinal()
    {
        if (Take('_'))
        {
            return 0;
        }

        int number = Number();
        return number is >= 0 and < int.MaxValue && Take('_') ? number + 1 : -1;
    }

    /// <summary>encoding: a name, and the types of a function's parameters; or one of the special names.</summary>
    private NamePart? Encoding()
    {
        if (!TryEnter())
        {
            return Leave(null);
        }

        // The template parameters of this name are none of those around it.
        List<NamePart> arguments = _arguments;
        NamePart? encoding = Now is 'G' or 'T' ? SpecialName() : FunctionOrData();
        _arguments = arguments;
        return Leave(encoding);
    }

    private NamePart? FunctionOrData()
    {
        NameState state = new() { Qualifiers = "" };
        int forward = _forward.Count;
        NamePart? name = Name(ref state, isOfEncoding: true);
        if (name is null || !TryResolveForward(forward))
        {
            return null;
        }

        if (IsAtEnd)
        {
            return name;
        }

        NamePart? result = null;
        if (state is { EndsWithArguments: true, HasNoResult: false } && (result = Type()) is null)
        {
            return null;
        }

        return Parameters(atEnd: () => IsAtEnd) is { } parameters
            ? new FunctionPart(result, name, parameters, state.Qualifiers)
            : null;
    }

    /// <summary>The types of parameters; none where there is <c>v</c> alone.</summary>
    private List<NamePart>? Parameters(Func<bool> atEnd)
    {
        List<NamePart> parameters = [];
        if (Now is 'v')
        {
            _at++;
            return atEnd() ? parameters : null;
        }

        do
        {
            if (Type() is not { } type)
            {
                return null;
            }

            parameters.Add(type);
        }
        while (!atEnd());

        return parameters;
    }

    private bool TryResolveForward(int start)
    {
        for (int i = start; i < _forward.Count; i++)
        {
            if (_forward[i].Index >= _arguments.Count)
            {
                return false;
            }

            _forward[i].Argument = _arguments[_forward[i].Index];
        }

        _forward.RemoveRange(start, _forward.Count - start);
        return true;
    }

    /// <summary>special-name: tables, thunks, guards, and others that are made for something that has a name.</summary>
    private SequencePart? SpecialName()
    {
        (string Code, string Prefix)[] types =
        [
            ("TV", "vtable for "), ("TT", "VTT for "), ("TI", "typeinfo for "), ("TS", "typeinfo name for "),
            ("TA", "template parameter object for "),
        ];
        (string Code, string Prefix)[] names =
            [("GV", "guard variable for "), ("TW", "TLS wrapper function for "), ("TH", "TLS init function for ")];
        foreach ((string code, string prefix) in types)
        {
            if (Take(code))
            {
                NamePart? type = code is "TA" ? TemplateArgument() : Type();
                return type is null ? null : new SequencePart(prefix, type);
            }
        }

        foreach ((string code, string prefix) in names)
        {
            if (Take(code))
            {
                NameState state = new() { Qualifiers = "" };
                return Name(ref state, isOfEncoding: false) is { } name ? new SequencePart(prefix, name) : null;
            }
        }

        if (Take("GR"))
        {
            NameState state = new() { Qualifiers = "" };
            return Name(ref state, isOfEncoding: false) is { } name && SequenceId() is var number && number >= 0
                ? new SequencePart(string.Create(CultureInfo.InvariantCulture, $"reference temporary #{number} for "), name)
                : null;
        }

        if (Take("TC"))
        {
            return Type() is { } whole && Number() >= 0 && Take('_') && Type() is { } part
                ? new SequencePart("construction vtable for ", part, "-in-", whole)
                : null;
        }

        if (Take("Tc"))
        {
            return CallOffset(out _) && CallOffset(out _) && Encoding() is { } target
                ? new SequencePart("covariant return thunk to ", target)
                : null;
        }

        return Take('T') && CallOffset(out bool isVirtual) && Encoding() is { } function
            ? new SequencePart(isVirtual ? "virtual thunk to " : "non-virtual thunk to ", function)
            : null;
    }

    /// <summary>A number to the base of 36 with an underscore behind it, which alone means 0; -1 for none.</summary>
    private int SequenceId()
    {
        if (Take('_'))
        {
            return 0;
        }

        long number = 0;
        int start = _at;
        for (; char.IsAsciiDigit(Now) || char.IsAsciiLetterUpper(Now); _at++)
        {
            number = (number * 36) + (char.IsAsciiDigit(Now) ? Now - '0' : Now - 'A' + 10);
            if (number > int.MaxValue - 1)
            {
                return -1;
            }
        }

        return _at > start && Take('_') ? (int)number + 1 : -1;
    }

    private bool CallOffset(out bool isVirtual)
    {
        isVirtual = Now is 'v';
        if (Take('h') || Take('v'))
        {
            _ = Take('n');
            if (Number() < 0 || !Take('_'))
            {
                return false;
            }

            if (!isVirtual)
            {
                return true;
            }

            _ = Take('n');
            return Number() >= 0 && Take('_');
        }

        return false;
    }
}
