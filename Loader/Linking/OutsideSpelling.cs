using System.Globalization;

namespace ElfLoader.Linking;

/// <summary>
/// Finds names of the host that are near to a missing one. The host can be asked for names, but not be listed: those are tried that
/// differ in one letter.
/// </summary>
internal static class OutsideSpelling
{
    private const int Shortest = 4;
    private const int Longest = 40;
    private const int MostParts = 4; // of a name of C++
    private const string Letters = "abcdefghijklmnopqrstuvwxyz_0123456789";

    /// <summary>Finds one; null where there is none.</summary>
    /// <param name="name">The name that is missing.</param>
    /// <param name="exists">Whether the host has a name.</param>
    internal static string? Find(string name, Func<string, bool> exists)
    {
        if (!name.StartsWith("_Z", StringComparison.Ordinal))
        {
            return Edits(name).FirstOrDefault(exists);
        }

        foreach ((int start, int letters, int end) in MangledName.Identifiers(name).Take(MostParts))
        {
            string? found = Edits(name[letters..end])
                .Select(edit => string.Create(CultureInfo.InvariantCulture, $"{name.AsSpan(..start)}{edit.Length}{edit}{name.AsSpan(end..)}"))
                .FirstOrDefault(exists);
            if (found is not null)
            {
                return found;
            }
        }

        return null;
    }

    private static IEnumerable<string> Edits(string name)
    {
        if (name.Length is < Shortest or > Longest)
        {
            yield break;
        }

        if (name.ToLowerInvariant() is var lower && lower != name)
        {
            yield return lower;
        }

        for (int i = 0; i < name.Length; i++)
        {
            yield return name.Remove(i, 1);
            if (i > 0 && name[i] != name[i - 1])
            {
                yield return $"{name.AsSpan(..(i - 1))}{name[i]}{name[i - 1]}{name.AsSpan((i + 1)..)}";
            }
        }

        for (int i = 0; i <= name.Length; i++)
        {
            foreach (char letter in Letters)
            {
                yield return name.Insert(i, $"{letter}");
                if (i < name.Length && name[i] != letter)
                {
                    yield return $"{name.AsSpan(..i)}{letter}{name.AsSpan((i + 1)..)}";
                }
            }
        }
    }
}
