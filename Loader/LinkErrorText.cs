using System.Globalization;
using ElfLoader.Memory;

namespace ElfLoader;

/// <summary>Problems as lines for people. What a line leaves out, <see cref="LinkError"/> has.</summary>
public static class LinkErrorText
{
    /// <summary>Most characters of a line: names come from files, and may be as long as these.</summary>
    public const int LongestLine = 4096;

    /// <summary>Problems with one symbol that have lines of their own. More of them are most often one problem.</summary>
    private const int LinesForOneSymbol = 3;

    /// <summary>
    /// The problems as lines, in their order. Many of one kind with one symbol are one line, which has the first three places; no line
    /// is there twice.
    /// </summary>
    /// <param name="errors">The problems.</param>
    /// <param name="demangles">Whether names of C++ are shown as in the source.</param>
    public static IReadOnlyList<string> Lines(IReadOnlyList<LinkError> errors, bool demangles = true)
    {
        ArgumentNullException.ThrowIfNull(errors);
        if (errors.Count is 1)
        {
            return [Line(errors[0], demangles)];
        }

        List<string> lines = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        HashSet<(LinkErrorCode, string, string)> told = [];
        ILookup<(LinkErrorCode, string, string)?, LinkError> kinds = errors.ToLookup(KindOf);
        foreach (LinkError error in errors)
        {
            LinkError shown = error;
            if (KindOf(error) is { } kind && kinds[kind].Skip(LinesForOneSymbol).Any())
            {
                if (!told.Add(kind))
                {
                    continue;
                }

                LinkError[] all = [.. kinds[kind]];
                shown = error with
                {
                    Others = [.. all.Skip(1).Take(LinesForOneSymbol - 1).Select(other => other.Where)],
                    Places = all.Sum(other => other.Places),
                };
            }

            string line = Line(shown, demangles);
            if (seen.Add(line))
            {
                lines.Add(line);
            }
        }

        return lines;
    }

    /// <summary>One problem as a line.</summary>
    internal static string Line(LinkError error, bool demangles)
    {
        string place = error.Where.ToString();
        string text = error.Message + Further(error);
        string line = place.Length is 0 ? text : $"{place}: {text}";
        return Shorten(demangles ? CxxNames.InText(line) : line);
    }

    private static string Further(LinkError error)
    {
        if (error.Others.Count is 0)
        {
            return "";
        }

        int more = error.Places - 1 - error.Others.Count;
        string others = string.Join(", ", error.Others);
        return more <= 0
            ? $" (also at {others})"
            : string.Create(
                CultureInfo.InvariantCulture, $" (also at {others}, and {more} more {(more is 1 ? "place" : "places")})");
    }

    /// <summary>What makes problems one: the kind, the relocation, and the symbol.</summary>
    private static (LinkErrorCode, string, string)? KindOf(LinkError error) =>
        error is { Relocation: { } relocation, Where.Symbol: { } symbol } ? (error.Code, relocation, symbol) : null;

    /// <summary>The beginning says where, and the end what could be done.</summary>
    private static string Shorten(string line)
    {
        if (line.Length <= LongestLine)
        {
            return line;
        }

        const int room = 64; // for the words between
        int head = (LongestLine - room) / 2;
        int left = line.Length - (2 * head);
        return string.Create(CultureInfo.InvariantCulture, $"{line.AsSpan(..head)} [{CountText.Of(left, "character")}] {line.AsSpan(^head..)}");
    }
}
