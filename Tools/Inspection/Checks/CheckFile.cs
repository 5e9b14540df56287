using System.Text;

namespace ElfLoader.Inspection.Checks;

/// <summary>Finds the rules in a file: assembly with checks in its comments, or any other text.</summary>
/// <remarks>
/// A rule stands in a line of its own, <c># rtdyld-check: EXPRESSION = EXPRESSION</c>. A backslash at the end of the line
/// continues it in the next line with a prefix; any other line that is not blank ends it.
/// </remarks>
public static class CheckFile
{
    /// <summary>The prefixes that are taken where none are given: those of this tool, of llvm-rtdyld and of llvm-jitlink.</summary>
    public static IReadOnlyList<string> UsualPrefixes { get; } = ["elfload-check", "rtdyld-check", "jitlink-check"];

    /// <summary>What starts a comment in assembly and other languages; text without one counts, too.</summary>
    private static readonly string[] Leaders = ["#", "//", "/*", "@", ";"];

    /// <summary>Reads a file.</summary>
    /// <exception cref="LinkException">It cannot be read.</exception>
    public static IReadOnlyList<CheckRule> Read(string path, IReadOnlyList<string>? prefixes = null)
    {
        try
        {
            return Parse(File.ReadAllText(path), path, prefixes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw FileFault.Reading(path, exception);
        }
    }

    /// <summary>Finds the rules in a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="name">The file's name, for messages.</param>
    /// <param name="prefixes">What stands before the colon; <see cref="UsualPrefixes"/> where null.</param>
    public static IReadOnlyList<CheckRule> Parse(string text, string name, IReadOnlyList<string>? prefixes = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        prefixes ??= UsualPrefixes;
        List<CheckRule> rules = [];
        var rule = new StringBuilder();
        List<(int, CheckPosition)> lines = [];
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            number++;
            bool isContinued = false;
            if (TryTake(line, prefixes, out ReadOnlySpan<char> part, out int column))
            {
                isContinued = part is [.., '\\'];
                lines.Add((rule.Length, new CheckPosition(number, column + 1)));
                rule.Append(isContinued ? part[..^1] : part);
            }
            else if (line.IsWhiteSpace())
            {
                continue;
            }

            if (!isContinued)
            {
                Finish();
            }
        }

        Finish();
        return rules;

        void Finish()
        {
            if (!string.IsNullOrWhiteSpace(rule.ToString())) // as in LLVM, a prefix alone is no rule
            {
                rules.Add(new CheckRule(name, rule.ToString(), lines));
            }

            rule.Clear();
            lines.Clear();
        }
    }

    private static bool TryTake(
        ReadOnlySpan<char> line, IReadOnlyList<string> prefixes, out ReadOnlySpan<char> part, out int column)
    {
        ReadOnlySpan<char> rest = line.TrimStart();
        bool isBlock = false;
        foreach (string leader in Leaders)
        {
            if (rest.StartsWith(leader))
            {
                isBlock = leader is "/*";
                rest = rest[leader.Length..].TrimStart();
                break;
            }
        }

        foreach (string prefix in prefixes)
        {
            if (rest.StartsWith(prefix) && rest[prefix.Length..] is [':', ..])
            {
                rest = rest[(prefix.Length + 1)..].TrimStart();
                column = line.Length - rest.Length;
                part = rest.TrimEnd();
                part = isBlock && part.EndsWith("*/") ? part[..^2].TrimEnd() : part;
                return true;
            }
        }

        part = default;
        column = 0;
        return false;
    }
}
