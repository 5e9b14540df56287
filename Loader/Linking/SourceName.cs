namespace ElfLoader.Linking;

/// <summary>A symbol's name as the source has it: <c>shop::cart::add</c> and <c>(int) const</c>; a name of C has no parameters.</summary>
/// <param name="Qualified">The name with its namespaces and classes, without parameters and the type of what is returned.</param>
/// <param name="Parameters">The parameters, and what follows them; empty for a variable, or a name of C.</param>
/// <param name="IsMangled">Whether the symbol's name is that of C++.</param>
internal readonly record struct SourceName(string Qualified, string Parameters, bool IsMangled)
{
    private const string Separator = "::";
    private const string Anonymous = "(anonymous namespace)";
    private const string Operator = "operator";

    /// <summary>Whether C++ has such a name, and C has not.</summary>
    internal bool IsCxx => IsMangled || Parameters.Length > 0 || Qualified.Contains(Separator, StringComparison.Ordinal);

    /// <summary>Takes a symbol's name apart, or one that somebody wrote as in the source.</summary>
    internal static SourceName Of(string name)
    {
        string? demangled = CxxNames.Demangle(name);
        string text = (demangled ?? name).Replace(Anonymous + Separator, "", StringComparison.Ordinal);
        (int start, int end) = demangled is null && !text.Contains('(', StringComparison.Ordinal) ? (0, text.Length) : Find(text);
        return new SourceName(text[start..end], text[end..], demangled is not null);
    }

    /// <summary>The parts of a qualified name.</summary>
    internal static List<string> PartsOf(string qualified)
    {
        List<string> parts = [];
        int depth = 0;
        int start = 0;
        for (int i = 0; i < qualified.Length; i++)
        {
            if (OperatorAt(qualified, start, i) is > 0 and int length)
            {
                i += length - 1;
            }
            else if (qualified[i] is '<' or '(' or '{')
            {
                depth++;
            }
            else if (qualified[i] is '>' or ')' or '}')
            {
                depth--;
            }
            else if (depth is 0 && qualified.AsSpan(i).StartsWith(Separator))
            {
                parts.Add(qualified[start..i]);
                i++;
                start = i + 1;
            }
        }

        parts.Add(qualified[start..]);
        return parts;
    }

    /// <summary>A qualified name without the arguments of templates, and without ABI tags.</summary>
    internal static string WithoutArguments(string qualified)
    {
        if (qualified.AsSpan().IndexOfAny('<', '[') < 0)
        {
            return qualified;
        }

        var text = new System.Text.StringBuilder();
        int depth = 0;
        for (int i = 0; i < qualified.Length; i++)
        {
            if (depth is 0 && OperatorAt(qualified, 0, i) is > 0 and int length)
            {
                _ = text.Append(qualified, i, length);
                i += length - 1;
                continue;
            }

            depth += qualified[i] is '<' or '[' ? 1 : 0;
            if (depth is 0)
            {
                _ = text.Append(qualified[i]);
            }

            depth -= qualified[i] is '>' or ']' ? 1 : 0;
        }

        return text.ToString();
    }

    /// <summary>Where the qualified name stands in a demangled one, of which it is the whole where there are no parameters.</summary>
    private static (int Start, int End) Find(string text)
    {
        int depth = 0;
        int start = 0;
        bool isOperator = false;
        for (int i = 0; i < text.Length; i++)
        {
            if (depth is 0 && OperatorAt(text, start, i) is > 0 and int length)
            {
                isOperator = true;
                i += length - 1;
                continue;
            }

            switch (text[i])
            {
                case '<' or '{':
                    depth++;
                    break;
                case '>' or '}':
                    depth--;
                    break;
                case ' ' when depth is 0 && !isOperator:
                    start = i + 1;
                    break;
                case '(' when depth is 0:
                    int after = EndOfScope(text, i);
                    if (after is 0)
                    {
                        return i > start ? (start, i) : (0, text.Length); // the latter returns a pointer to a function
                    }

                    (i, isOperator) = (after - 1, false);
                    break;
                default:
                    break;
            }
        }

        return (0, text.Length);
    }

    /// <summary>Where the name goes on behind the parameters of a function that something is local to; 0 where it does not.</summary>
    private static int EndOfScope(string text, int start)
    {
        int depth = 0;
        for (int i = start; i < text.Length; i++)
        {
            depth += text[i] is '(' ? 1 : text[i] is ')' ? -1 : 0;
            if (depth is 0)
            {
                int next = text.IndexOf(Separator, i, StringComparison.Ordinal);
                bool isScope = next >= 0 && text.AsSpan((i + 1)..next).Trim() is "" or "const" or "volatile" or "const volatile" or "&" or "&&";
                return isScope ? next : 0;
            }
        }

        return 0;
    }

    /// <summary>Letters of an operator's name that begins at a place: its signs are no brackets. 0 where none does.</summary>
    private static int OperatorAt(string text, int start, int place)
    {
        ReadOnlySpan<char> rest = text.AsSpan(place);
        bool begins = rest.StartsWith(Operator) && (place == start || text[place - 1] is ':' or ' ')
            && rest.Length > Operator.Length && !char.IsLetterOrDigit(rest[Operator.Length]) && rest[Operator.Length] is not '_';
        if (!begins)
        {
            return 0;
        }

        int end = Operator.Length;
        if (rest[end..].StartsWith("()"))
        {
            return end + 2;
        }

        const string signs = "<>=!+-*/%^&|~,[]";
        while (end < rest.Length && signs.Contains(rest[end], StringComparison.Ordinal))
        {
            end++;
        }

        return end;
    }
}
