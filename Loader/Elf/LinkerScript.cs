using System.Text;

namespace ElfLoader.Elf;

/// <summary>
/// The part of GNU ld's scripts that stands in place of libraries, such as Debian's <c>libm.a</c>:
/// <c>GROUP ( a.a AS_NEEDED ( b.so ) )</c> and <c>INPUT ( a.o, -lc )</c>.
/// </summary>
public static class LinkerScript
{
    /// <summary>Commands whose arguments do not matter here.</summary>
    private static readonly string[] Ignored =
        ["OUTPUT_FORMAT", "OUTPUT_ARCH", "OUTPUT", "SEARCH_DIR", "TARGET", "ENTRY", "EXTERN", "STARTUP"];

    /// <summary>Reads the names of a script's inputs.</summary>
    /// <param name="script">The script in UTF-8.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <returns>The names in order, as they are written; <c>-lc</c> stays <c>-lc</c>.</returns>
    /// <exception cref="LinkException">The text breaks the rules, or has commands that lay out memory.</exception>
    public static IReadOnlyList<string> Read(ReadOnlySpan<byte> script, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        LinkerScriptTokens tokens = new(script, name);
        List<string> inputs = [];
        while (tokens.TryNext(out ReadOnlySpan<byte> token))
        {
            if (token is [(byte)';'])
            {
                continue;
            }

            string command = Encoding.UTF8.GetString(token);
            if (command is not ("GROUP" or "INPUT") && !Ignored.Contains(command))
            {
                throw tokens.Fault(LinkErrorCode.Unsupported,
                    $"command '{command}' of a linker script; only GROUP and INPUT are followed");
            }

            ReadList(ref tokens, command, command is "GROUP" or "INPUT" ? inputs : null);
        }

        return inputs;
    }

    /// <summary>Whether text begins as a script does.</summary>
    internal static bool LooksLikeOne(ReadOnlySpan<byte> file)
    {
        LinkerScriptTokens tokens = new(file, "");
        if (!tokens.TrySkipSpace())
        {
            return false;
        }

        // Not more than a word, as the file may be anything.
        ReadOnlySpan<byte> start = tokens.Rest[..Math.Min(tokens.Rest.Length, 16)];
        int end = start.IndexOfAny(" \t\r\n("u8);
        string first = Encoding.UTF8.GetString(end < 0 ? start : start[..end]);
        return first is "GROUP" or "INPUT" || Ignored.Contains(first);
    }

    /// <summary>Reads a list in parentheses; AS_NEEDED is one inside of another.</summary>
    private static void ReadList(ref LinkerScriptTokens tokens, string command, List<string>? inputs)
    {
        Expect(ref tokens, command);
        int depth = 1;
        while (depth > 0)
        {
            if (!tokens.TryNext(out ReadOnlySpan<byte> token))
            {
                throw tokens.Fault(LinkErrorCode.Malformed, $"the list of {command} does not end");
            }

            switch (token)
            {
                case [(byte)')']:
                    depth--;
                    break;
                case [(byte)'(']:
                    throw tokens.Fault(LinkErrorCode.Malformed, $"'(' in the list of {command} without AS_NEEDED");
                case [(byte)',']:
                    break;
                case var _ when token.SequenceEqual("AS_NEEDED"u8):
                    Expect(ref tokens, "AS_NEEDED");
                    depth++;
                    break;
                default:
                    inputs?.Add(Encoding.UTF8.GetString(token));
                    break;
            }
        }
    }

    private static void Expect(ref LinkerScriptTokens tokens, string command)
    {
        if (!tokens.TryNext(out ReadOnlySpan<byte> token) || token is not [(byte)'('])
        {
            throw tokens.Fault(LinkErrorCode.Malformed, $"{command} is not followed by '('");
        }
    }
}
