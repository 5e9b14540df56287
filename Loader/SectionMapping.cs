using System.Globalization;

namespace ElfLoader;

/// <summary>The exact address that a section of an image is to have.</summary>
/// <param name="Object">
/// Name of the object, without folders; of objects that share it, the path as it was given. <c>archive.a(member.o)</c> for a member,
/// <c>archive.a(member.o#2)</c> for the second of a name.
/// </param>
/// <param name="Section">Name of the section; <c>.got</c> also for the slots that are made for the object.</param>
/// <param name="Index">Index of the section, where the object has several of that name.</param>
/// <param name="Address">The address.</param>
public sealed record SectionMapping(string Object, string Section, int? Index, ulong Address)
{
    /// <summary>Reads <c>OBJECT,SECTION[#INDEX]=ADDRESS</c>; the address is decimal, or hexadecimal after 0x.</summary>
    /// <exception cref="ImageOptionException">The text has another form.</exception>
    public static SectionMapping Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int equals = text.LastIndexOf('=');
        int comma = equals < 0 ? -1 : text.LastIndexOf(',', equals);
        if (comma <= 0 || !TryParseAddress(text[(equals + 1)..], out ulong address))
        {
            throw new ImageOptionException($"'{text}' is not of the form OBJECT,SECTION[#INDEX]=ADDRESS");
        }

        string section = text[(comma + 1)..equals];
        int hash = section.LastIndexOf('#');
        int? index = hash > 0 && int.TryParse(section[(hash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : null;
        return new SectionMapping(text[..comma], index is null ? section : section[..hash], index, address);
    }

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString() => $"{Object},{Section}{(Index is null ? "" : $"#{Index}")}=0x{Address:x}";

    private static bool TryParseAddress(string text, out ulong address) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out address)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out address);
}
