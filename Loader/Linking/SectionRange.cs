namespace ElfLoader.Linking;

/// <summary>
/// Sections that lie end to end because their start or end is referred to: of one name (<c>__start_NAME</c>,
/// <c>__stop_NAME</c>), or an array of functions (<c>__init_array_start</c>).
/// </summary>
internal sealed class SectionRange
{
    private readonly byte[] _name;
    private readonly SectionNames? _names; // null: an array of functions, whose sections have priorities in their names
    private List<(LinkObject File, int Index)> _sections = [];

    private SectionRange(byte[] name, SectionNames? names)
    {
        _name = name;
        _names = names;
    }

    /// <summary>The sections, in the order of linking.</summary>
    internal IReadOnlyList<(LinkObject File, int Index)> Sections => _sections;

    /// <summary>Address of the first byte.</summary>
    /// <remarks>Only a range with sections has one; so it is with <see cref="Stop"/>.</remarks>
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
    internal static SectionRange? Find(ReadOnlySpan<byte> name, SectionNames names, IReadOnlyList<LinkObject> objects)
    {
        if (!IsIdentifier(name))
        {
            return null;
        }

        var range = new SectionRange(name.ToArray(), names);
        range.Complete(objects);
        return range._sections.Count > 0 ? range : null;
    }

    /// <summary>The arrays of functions of a name, <c>.init_array</c> or its like, in the order of their priorities.</summary>
    internal static SectionRange OfArrays(string name) => new(System.Text.Encoding.UTF8.GetBytes(name), null);

    /// <summary>Searches again: archive members that came later may have sections of this name, too.</summary>
    internal void Complete(IReadOnlyList<LinkObject> objects)
    {
        _sections = _names is null ? FunctionArrays.Find(objects, _name) : _names.Find(_name, objects);
        _sections.RemoveAll(section => section.File.Sections[section.Index].Role is not SectionRole.Ordinary);
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
