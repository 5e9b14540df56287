namespace ElfLoader.Linking;

/// <summary>
/// Sections of one name that lie end to end because <c>__start_NAME</c> or <c>__stop_NAME</c> is referred to.
/// </summary>
internal sealed class SectionRange
{
    private readonly List<(LinkObject File, int Index)> _sections = [];

    /// <summary>The sections, in the order of linking.</summary>
    internal IReadOnlyList<(LinkObject File, int Index)> Sections => _sections;

    /// <summary>Address of the first byte.</summary>
    internal ulong Start => AddressOf(_sections[0]);

    /// <summary>Address after the last byte.</summary>
    internal ulong Stop => AddressOf(_sections[^1]) + _sections[^1].File.Elf.Sections[_sections[^1].Index].Size;

    /// <summary>Finds the kept sections of a name; null where there are none, or the name is no C identifier.</summary>
    internal static SectionRange? Find(ReadOnlySpan<byte> name, IReadOnlyList<LinkObject> objects)
    {
        var range = new SectionRange();
        foreach (LinkObject file in objects)
        {
            for (int i = 1; i < file.Sections.Length; i++)
            {
                if (file.Sections[i] is { Fate: SectionFate.Kept, Role: SectionRole.Ordinary }
                    && file.Elf.SectionName(i).SequenceEqual(name))
                {
                    range._sections.Add((file, i));
                }
            }
        }

        return range._sections.Count > 0 ? range : null;
    }

    private static ulong AddressOf((LinkObject File, int Index) section) =>
        section.File.Sections[section.Index].Address;
}
