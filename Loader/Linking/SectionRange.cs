namespace ElfLoader.Linking;

/// <summary>
/// Sections of one name that lie end to end because <c>__start_NAME</c> or <c>__stop_NAME</c> is referred to.
/// </summary>
internal sealed class SectionRange
{
    private readonly byte[] _name;
    private readonly List<(LinkObject File, int Index)> _sections = [];

    private SectionRange(byte[] name) => _name = name;

    /// <summary>The sections, in the order of linking.</summary>
    internal IReadOnlyList<(LinkObject File, int Index)> Sections => _sections;

    /// <summary>Address of the first byte.</summary>
    internal ulong Start => AddressOf(_sections[0]);

    /// <summary>Address after the last byte.</summary>
    internal ulong Stop => AddressOf(_sections[^1]) + _sections[^1].File.Elf.Sections[_sections[^1].Index].Size;

    /// <summary>What all of them want together (<c>sh_flags</c>).</summary>
    internal ulong Flags
    {
        get
        {
            ulong flags = 0;
            foreach ((LinkObject file, int index) in _sections)
            {
                flags |= file.Elf.Sections[index].Flags;
            }

            return flags;
        }
    }

    /// <summary>Finds the kept sections of a name; null where there are none, or the name is no C identifier.</summary>
    internal static SectionRange? Find(ReadOnlySpan<byte> name, IReadOnlyList<LinkObject> objects)
    {
        if (!IsIdentifier(name))
        {
            return null;
        }

        var range = new SectionRange(name.ToArray());
        range.Complete(objects);
        return range._sections.Count > 0 ? range : null;
    }

    /// <summary>Searches again: archive members that came later may have sections of this name, too.</summary>
    internal void Complete(IReadOnlyList<LinkObject> objects)
    {
        _sections.Clear();
        foreach (LinkObject file in objects)
        {
            for (int i = 1; i < file.Sections.Length; i++)
            {
                if (file.Sections[i] is { Fate: SectionFate.Kept, Role: SectionRole.Ordinary }
                    && file.Elf.SectionName(i).SequenceEqual(_name))
                {
                    _sections.Add((file, i));
                }
            }
        }
    }

    private static bool IsIdentifier(ReadOnlySpan<byte> name)
    {
        foreach (byte letter in name)
        {
            if (!char.IsAsciiLetterOrDigit((char)letter) && letter is not (byte)'_')
            {
                return false;
            }
        }

        return !name.IsEmpty && !char.IsAsciiDigit((char)name[0]);
    }

    private static ulong AddressOf((LinkObject File, int Index) section) =>
        section.File.Sections[section.Index].Address;
}
