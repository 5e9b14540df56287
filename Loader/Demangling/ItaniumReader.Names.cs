using System.Globalization;

namespace ElfLoader.Demangling;

/// <summary>Names: nested, local, of operators and closures.</summary>
internal sealed partial class ItaniumReader
{
    /// <summary>name.</summary>
    /// <param name="state">What is found out about it.</param>
    /// <param name="isOfEncoding">Whether template parameters from here on are those of this name.</param>
    private NamePart? Name(ref NameState state, bool isOfEncoding)
    {
        if (!TryEnter())
        {
            return Leave(null);
        }

        return Leave(Now switch
        {
            'N' => NestedName(ref state, isOfEncoding),
            'Z' => LocalName(ref state),
            _ => UnscopedName(ref state, isOfEncoding),
        });
    }

    private NamePart? UnscopedName(ref NameState state, bool isOfEncoding)
    {
        NamePart? name;
        bool isSubstitution = Now is 'S' && Next is not 't';
        if (isSubstitution)
        {
            name = Substitution();
        }
        else
        {
            bool isStandard = Take("St");
            name = UnqualifiedName(ref state, scope: null);
            name = isStandard && name is not null ? new NestedPart(new TextPart("std"), name) : name;
        }

        if (name is null || Now is not 'I')
        {
            return isSubstitution ? null : name;
        }

        if (!isSubstitution)
        {
            _substitutions.Add(name);
        }

        if (TemplateArguments(isOfEncoding) is not { } arguments)
        {
            return null;
        }

        state.EndsWithArguments = true;
        return new TemplatePart(name, arguments);
    }

    /// <summary>nested-name. Each part but the last is a substitution.</summary>
    private NamePart? NestedName(ref NameState state, bool isOfEncoding)
    {
        _at++;
        _ = Take('H'); // an explicit object parameter is like the others
        string qualifiers = Qualifiers();
        state.Qualifiers = qualifiers + (Take('O') ? " &&" : Take('R') ? " &" : "");
        NamePart? scope = null;
        bool isLastSubstitution = false;
        while (!Take('E'))
        {
            bool isSubstitution = false;
            NamePart? name;
            if (Now is 'M') // the closure that follows belongs to the member's initializer
            {
                _at++;
                continue;
            }

            if (Now is 'I')
            {
                if (scope is null || TemplateArguments(isOfEncoding) is not { } arguments)
                {
                    return null;
                }

                state.EndsWithArguments = true;
                name = new TemplatePart(scope, arguments);
            }
            else if (Now is 'T')
            {
                name = scope is null ? TemplateParameter() : null;
                state.EndsWithArguments = false;
            }
            else if (Now is 'D' && Next is 't' or 'T')
            {
                name = scope is null ? Decltype() : null;
                state.EndsWithArguments = false;
            }
            else if (Now is 'S')
            {
                isSubstitution = true;
                name = scope is not null ? null : Take("St") ? new TextPart("std") : Substitution();
                state.EndsWithArguments = false;
            }
            else
            {
                state.EndsWithArguments = false;
                NamePart? inner = UnqualifiedName(ref state, scope);
                name = inner is null || scope is null ? inner : new NestedPart(Expanded(scope, inner), inner);
            }

            if (name is null)
            {
                return null;
            }

            scope = name;
            isLastSubstitution = isSubstitution;
            if (!isSubstitution)
            {
                _substitutions.Add(name);
            }
        }

        if (scope is null || isLastSubstitution)
        {
            return null;
        }

        _substitutions.RemoveAt(_substitutions.Count - 1);
        return scope;
    }

    /// <summary>The abbreviations of the standard library are written out where their constructors are meant.</summary>
    private static NamePart Expanded(NamePart scope, NamePart inner) =>
        inner is ConstructorPart && scope is AbbreviationPart abbreviation ? abbreviation.InFull : scope;

    /// <summary>local-name: something in a function.</summary>
    private NamePart? LocalName(ref NameState state)
    {
        _at++;
        NamePart? function = Encoding();
        if (function is null || !Take('E'))
        {
            return null;
        }

        // What it returns does not tell it apart from others.
        function = (function as FunctionPart)?.WithoutResult() ?? function;
        if (Take('s'))
        {
            Discriminator();
            return new NestedPart(function, new TextPart("string literal"));
        }

        if (Take('d'))
        {
            int number = Ordinal();
            return number >= 0 && Name(ref state, isOfEncoding: true) is { } inDefault
                ? new SequencePart(
                    function, string.Create(CultureInfo.InvariantCulture, $"::{{default arg#{number + 1}}}::"), inDefault)
                : null;
        }

        NamePart? entity = Name(ref state, isOfEncoding: true);
        if (entity is null)
        {
            return null;
        }

        Discriminator();
        return new NestedPart(function, entity);
    }

    private void Discriminator()
    {
        int start = _at;
        if (Take('_'))
        {
            if (Take('_'))
            {
                if (Number() < 0 || !Take('_'))
                {
                    _at = start;
                }
            }
            else if (char.IsAsciiDigit(Now))
            {
                _at++;
            }
            else
            {
                _at = start;
            }
        }
    }

    /// <summary>unqualified-name, with the tags of ABI versions behind it.</summary>
    private NamePart? UnqualifiedName(ref NameState state, NamePart? scope)
    {
        _ = Take('L'); // internal linkage does not show
        NamePart? name = Now switch
        {
            >= '1' and <= '9' => SourceName(),
            'U' => UnnamedType(),
            'D' when Next is 'C' => StructuredBinding(),
            'C' or 'D' => scope is null ? null : ConstructorOrDestructor(ref state, scope),
            _ => OperatorName(ref state),
        };
        return name is null ? null : WithTags(name);
    }

    private NamePart? WithTags(NamePart name)
    {
        while (Take('B'))
        {
            if (SourceName() is not { } tag)
            {
                return null;
            }

            name = name is ConstructorPart
                ? new ConstructorPart($"{name.BaseName}[abi:{tag.Text}]")
                : new TextTagPart(name, tag.Text);
        }

        return name;
    }

    private TextPart? SourceName()
    {
        int length = Number();
        if (length <= 0 || length > text.Length - _at)
        {
            return null;
        }

        string name = text.Substring(_at, length);
        _at += length;
        return new TextPart(name.StartsWith("_GLOBAL__N", StringComparison.Ordinal) ? "(anonymous namespace)" : name);
    }

    private SequencePart? StructuredBinding()
    {
        _at += 2;
        List<NamePart> names = [];
        while (!Take('E'))
        {
            if (SourceName() is not { } name)
            {
                return null;
            }

            names.Add(name);
        }

        return names.Count > 0 ? new SequencePart("[", names, "]") : null;
    }

    private ConstructorPart? ConstructorOrDestructor(ref NameState state, NamePart scope)
    {
        bool isDestructor = Now is 'D';
        _at++;
        bool isInherited = !isDestructor && Take('I');
        if (!char.IsAsciiDigit(Now))
        {
            return null;
        }

        _at++;
        if (isInherited)
        {
            NameState ignored = new() { Qualifiers = "" };
            if (Name(ref ignored, isOfEncoding: false) is null)
            {
                return null;
            }
        }

        state.HasNoResult = true;
        string name = (scope as AbbreviationPart)?.InFull.BaseName ?? scope.BaseName;
        return new ConstructorPart(isDestructor ? $"~{name}" : name);
    }

    /// <summary>unnamed-type-name, and closure types.</summary>
    private NamePart? UnnamedType()
    {
        if (Take("Ut"))
        {
            int number = Ordinal();
            return number < 0
                ? null
                : new TextPart(string.Create(CultureInfo.InvariantCulture, $"{{unnamed type#{number + 1}}}"));
        }

        if (!Take("Ul"))
        {
            return null;
        }

        (bool before, List<NamePart> arguments) = (_isInLambda, _arguments);
        _isInLambda = true;
        _arguments = [];
        while (Now is 'T' && Next is 'y' or 'n' or 'p')
        {
            // template <typename T>, which the parameters then refer to
            if (!SkipTemplateParameterDeclaration())
            {
                return null;
            }
        }

        List<NamePart>? parameters = Parameters(atEnd: () => Now is 'E' or '\0');
        (_isInLambda, _arguments) = (before, arguments);
        if (parameters is null || !Take('E'))
        {
            return null;
        }

        int ordinal = Ordinal();
        return ordinal < 0
            ? null
            : new SequencePart(
                "{lambda(", parameters, string.Create(CultureInfo.InvariantCulture, $")#{ordinal + 1}}}"));
    }

    private bool SkipTemplateParameterDeclaration()
    {
        if (Take("Ty"))
        {
            return true;
        }

        if (Take("Tn"))
        {
            return Type() is not null;
        }

        return Take("Tp") && SkipTemplateParameterDeclaration();
    }

    /// <summary>substitution: a part of the name that was there before, or an abbreviation for one of the standard library.</summary>
    private NamePart? Substitution()
    {
        _at++;
        if (char.IsAsciiLetterLower(Now))
        {
            AbbreviationPart? part = AbbreviationPart.Of(Now);
            if (part is null)
            {
                return null;
            }

            _at++;
            NamePart? tagged = WithTags(part);
            if (tagged is not null && tagged != part)
            {
                _substitutions.Add(tagged);
            }

            return tagged;
        }

        int number = SequenceId();
        return number >= 0 && number < _substitutions.Count ? _substitutions[number] : null;
    }
}
