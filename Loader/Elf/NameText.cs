using System.Text;
using ElfLoader.Memory;

namespace ElfLoader.Elf;

/// <summary>Names as text that somebody reads.</summary>
public static class NameText
{
    /// <summary>Bytes in a name that is shown whole: more than the longest that compilers make of ordinary templates.</summary>
    public const int LongestShown = 2048;

    private const int Head = 1024;
    private const int Tail = 512;
    private const int BriefHead = 64;
    private const int BriefTail = 32;

    /// <summary>A name; of one that is too long its first and last bytes, and how many it has.</summary>
    /// <param name="name">The name in UTF-8.</param>
    public static string Shown(ReadOnlySpan<byte> name) => name.Length <= LongestShown
        ? Encoding.UTF8.GetString(name)
        : Ends(name, Head, Tail);

    /// <summary>A name of which there is no room for more than its first and last bytes.</summary>
    /// <param name="name">The name in UTF-8.</param>
    public static string Brief(ReadOnlySpan<byte> name) => name.Length <= BriefHead + BriefTail
        ? Encoding.UTF8.GetString(name)
        : Ends(name, BriefHead, BriefTail);

    private static string Ends(ReadOnlySpan<byte> name, int head, int tail) =>
        $"{Encoding.UTF8.GetString(name[..head])}…{Encoding.UTF8.GetString(name[^tail..])} ({CountText.Of(name.Length, "byte")})";

    /// <summary>A text; of one whose UTF-8 is longer than that, the first and the last part.</summary>
    internal static string Shorten(string text, int mostBytes)
    {
        const int most = 3; // bytes of UTF-8 for a char, surrogates included
        if (text.Length <= mostBytes / most || Encoding.UTF8.GetByteCount(text) <= mostBytes)
        {
            return text;
        }

        int kept = (mostBytes / most) - most;
        int tail = kept / 3;
        return $"{text.AsSpan(0, kept - tail)}…{text.AsSpan(text.Length - tail)}";
    }
}
