using System.Globalization;

namespace ElfLoader.Demangling;

/// <summary>Template parameters and arguments.</summary>
internal sealed partial class ItaniumReader
{
    /// <summary>A parameter as a type; with arguments it is a template, which is a substitution by itself.</summary>
    private NamePart? TemplateParameterType()
    {
        if (TemplateParameter() is not { } parameter)
        {
            return null;
        }

        // In the type of a conversion operator, arguments that follow are those of the operator.
        if (Now is not 'I' || _permitsForward)
        {
            return parameter;
        }

        _substitutions.Add(parameter);
        return WithArguments(parameter);
    }

    private TemplatePart? WithArguments(NamePart template) =>
        TemplateArguments(isOfEncoding: false) is { } arguments ? new TemplatePart(template, arguments) : null;

    /// <summary>template-param: the argument that it stands for.</summary>
    private NamePart? TemplateParameter()
    {
        if (!Take('T'))
        {
            return null;
        }

        if (Take('L') && (Number() < 0 || !Take('_')))
        {
            return null;
        }

        int number = Ordinal();
        if (number < 0)
        {
            return null;
        }

        if (_isInLambda)
        {
            return new TextPart(string.Create(CultureInfo.InvariantCulture, $"auto:{number + 1}"));
        }

        if (_permitsForward)
        {
            ForwardPart forward = new(number);
            _forward.Add(forward);
            return forward;
        }

        return number < _arguments.Count ? _arguments[number] : null;
    }

    /// <summary>template-args.</summary>
    /// <param name="isOfEncoding">Whether parameters from here on stand for these.</param>
    private List<NamePart>? TemplateArguments(bool isOfEncoding)
    {
        _at++;
        bool isInLambda = _isInLambda;
        _isInLambda = false;
        if (isOfEncoding)
        {
            _arguments = [];
        }

        List<NamePart> outer = _arguments;
        List<NamePart> arguments = [];
        while (!Take('E'))
        {
            if (TemplateArgument() is not { } argument)
            {
                return null;
            }

            arguments.Add(argument);
            if (isOfEncoding)
            {
                _arguments = outer;
                outer.Add(argument is PackListPart pack ? new PackPart(pack.Elements) : argument);
            }
        }

        _isInLambda = isInLambda;
        return arguments;
    }

    /// <summary>template-arg.</summary>
    private NamePart? TemplateArgument()
    {
        if (!TryEnter())
        {
            return Leave(null);
        }

        switch (Now)
        {
            case 'X':
                _at++;
                NamePart? expression = Expression();
                return Leave(Take('E') ? expression : null);
            case 'J':
                _at++;
                List<NamePart> elements = [];
                while (!Take('E'))
                {
                    if (TemplateArgument() is not { } element)
                    {
                        return Leave(null);
                    }

                    elements.Add(element);
                }

                return Leave(new PackListPart(elements));
            case 'L' when Next is 'Z':
                _at += 2;
                NamePart? encoding = Encoding();
                return Leave(Take('E') ? encoding : null);
            case 'L':
                return Leave(Literal());
            default:
                return Leave(Type());
        }
    }
}
