using System.Globalization;

namespace ElfLoader.Linking;

/// <summary>What can be seen in a mangled name without demangling it.</summary>
internal static class MangledName
{
    private const int MostDigits = 5;

    /// <summary>
    /// The identifiers in a name (Itanium C++ ABI, "Scope Encoding": source-name ::= positive length number, identifier), and now and
    /// then one that is none: numbers in arguments of templates look like lengths.
    /// </summary>
    /// <returns>For each where its length begins, where its letters do, and where these end.</returns>
    internal static IEnumerable<(int Start, int Letters, int End)> Identifiers(string mangled)
    {
        const int prefix = 2; // _Z
        int place = prefix;
        while (place < mangled.Length)
        {
            int letters = place;
            while (letters < mangled.Length && letters - place < MostDigits && char.IsAsciiDigit(mangled[letters]))
            {
                letters++;
            }

            if (letters > place
                && int.Parse(mangled.AsSpan(place, letters - place), NumberStyles.None, CultureInfo.InvariantCulture) is > 0 and int length
                && length <= mangled.Length - letters)
            {
                yield return (place, letters, letters + length);
                place = letters + length;
            }
            else
            {
                place = Math.Max(letters, place + 1);
            }
        }
    }
}
