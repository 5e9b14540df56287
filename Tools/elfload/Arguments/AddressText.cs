using System.Globalization;

namespace ElfLoader.Tools.Arguments;

/// <summary>Addresses as the command line takes them: decimal, or hexadecimal after 0x; 64 bits.</summary>
internal static class AddressText
{
    /// <summary>Reads one.</summary>
    /// <param name="text">The text.</param>
    /// <param name="option">The option it stands in, for the message.</param>
    /// <exception cref="CommandLineException">It is none.</exception>
    internal static ulong Parse(ReadOnlySpan<char> text, string option)
    {
        bool isHexadecimal = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool isValid = isHexadecimal
            ? ulong.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out address);
        return isValid
            ? address
            : throw new CommandLineException(
                $"{option}: '{text}' is no address: decimal, or hexadecimal after 0x, at most 64 bits");
    }

    /// <summary>Reads one that may have been left out.</summary>
    internal static ulong? ParseOptional(string? text, string option) =>
        text is null or CommandTokens.NoValue ? null : Parse(text, option);

    /// <summary>Writes one.</summary>
    internal static string Format(ulong address) => $"0x{address:x}";
}
