using System.Text;

namespace ElfLoader;

/// <summary>
/// Turns the names that C++ compilers give to symbols into what the source says (Itanium C++ ABI, "External Names"). Names come
/// from files that nobody vouches for: time, memory and depth are bounded, and a name that is none stays as it is.
/// </summary>
/// <remarks>All members may be called from any thread; they keep nothing.</remarks>
public static class CxxNames
{
    /// <summary>Most characters of a name that is looked at.</summary>
    private const int LongestMangled = 16 * 1024;

    /// <summary>Most characters of a name in the source: longer ones are easier to tell apart as they are.</summary>
    private const int LongestDemangled = 4 * 1024;

    private const string Prefix = "_Z";

    /// <summary>What stands between a name and its version (GNU as manual, ".symver").</summary>
    private const char VersionSeparator = '@';

    /// <summary>Demangles a name; a version behind it (<c>@V</c>, <c>@@V</c>) stays behind it.</summary>
    /// <param name="name">A symbol's name.</param>
    /// <returns>The name in the source; null for a name that is not mangled, not understood, or too long.</returns>
    public static string? Demangle(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!name.StartsWith(Prefix, StringComparison.Ordinal) || name.Length > LongestMangled)
        {
            return null;
        }

        int version = name.IndexOf(VersionSeparator, StringComparison.Ordinal);
        if (version >= 0)
        {
            return Demangle(name[..version]) is { } unversioned ? unversioned + InText(name[version..]) : null;
        }

        Demangling.NamePart? part = new Demangling.ItaniumReader(name[Prefix.Length..]).MangledName();
        if (part is null)
        {
            return null;
        }

        Demangling.NameWriter writer = new(LongestDemangled);
        part.Write(writer);
        return writer.HasFailed ? null : writer.ToString();
    }

    /// <summary>A name for people: demangled where it is mangled, else itself.</summary>
    public static string Readable(string name) => Demangle(name) ?? name;

    /// <summary>
    /// Demangles all names in a text but those of sections; a name ends where no letter, digit, underscore, dot or dollar follows.
    /// </summary>
    /// <param name="text">Any text.</param>
    public static string InText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int at = text.IndexOf(Prefix, StringComparison.Ordinal);
        if (at < 0)
        {
            return text;
        }

        StringBuilder result = new();
        int done = 0;
        for (; at >= 0; at = text.IndexOf(Prefix, at, StringComparison.Ordinal))
        {
            // Behind a dot it is part of a section's name, which stays as command lines and other tools take it.
            bool isStart = at is 0 || !IsLetter(text[at - 1]);
            int end = at;
            while (end < text.Length && IsLetter(text[end]))
            {
                end++;
            }

            if (isStart && Longest(text[at..end]) is { } found)
            {
                _ = result.Append(text, done, at - done).Append(found.Name);
                done = at + found.Length;
            }

            at = end;
        }

        return result.Append(text, done, text.Length - done).ToString();
    }

    /// <summary>A dot behind a name may end a sentence, and begin a suffix.</summary>
    private static (string Name, int Length)? Longest(string word)
    {
        string trimmed = word.TrimEnd('.');
        if (Demangle(trimmed) is { } whole)
        {
            return (whole, trimmed.Length);
        }

        int dot = trimmed.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && Demangle(trimmed[..dot]) is { } name ? (name, dot) : null;
    }

    private static bool IsLetter(char letter) => char.IsLetterOrDigit(letter) || letter is '_' or '.' or '$';
}
