using System.Globalization;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>When the functions of an array are called.</summary>
internal enum FunctionArrayKind
{
    /// <summary>The section is no such array.</summary>
    None,

    /// <summary>Before all others.</summary>
    Preinit,

    /// <summary>At the start.</summary>
    Init,

    /// <summary>At the end, the last of them first.</summary>
    Fini,
}

/// <summary>
/// Which sections are arrays of functions to call at the start and at the end, and in which order (gABI, "Initialization and
/// Termination Functions"). Arrays from before there were types for them (<c>.ctors</c>, <c>.dtors</c>) are known by name, and
/// the last of their functions comes first.
/// </summary>
internal static class FunctionArrays
{
    /// <summary>Priority of a section that names none: after all that can be asked for in a language (at most 65535).</summary>
    internal const int NoPriority = 65536;

    /// <summary>Priorities of <c>.ctors.NNNNN</c> count down from this, those of <c>.init_array.NNNNN</c> up.</summary>
    private const int CtorsOrigin = 65535;

    /// <summary>The kind of a section.</summary>
    internal static FunctionArrayKind KindOf(ReadOnlySpan<byte> name, uint type) => type switch
    {
        ElfConstants.SHT_PREINIT_ARRAY => FunctionArrayKind.Preinit,
        ElfConstants.SHT_INIT_ARRAY => FunctionArrayKind.Init,
        ElfConstants.SHT_FINI_ARRAY => FunctionArrayKind.Fini,
        ElfConstants.SHT_PROGBITS when IsOf(name, ".ctors"u8) => FunctionArrayKind.Init,
        ElfConstants.SHT_PROGBITS when IsOf(name, ".dtors"u8) => FunctionArrayKind.Fini,
        _ => FunctionArrayKind.None,
    };

    /// <summary>The kind of an object's section.</summary>
    internal static FunctionArrayKind KindOf(ElfObject elf, int section) => KindOf(elf.SectionNames, elf.Sections[section]);

    /// <summary>The kind of a section, looking at few bytes of most names.</summary>
    /// <param name="names">The names of all sections of the object.</param>
    /// <param name="header">The section.</param>
    internal static FunctionArrayKind KindOf(ReadOnlySpan<byte> names, in SectionHeader header) =>
        header.Type is not ElfConstants.SHT_PROGBITS ? KindOf(default, header.Type)
        : StringTable.StartsAt(names, header.Name, ".ctors"u8) || StringTable.StartsAt(names, header.Name, ".dtors"u8)
            ? KindOf(StringTable.At(names, header.Name), header.Type)
            : FunctionArrayKind.None;

    /// <summary>Whether the functions of an array come in the order from the last to the first.</summary>
    internal static bool IsReversed(uint type) => type is ElfConstants.SHT_PROGBITS;

    /// <summary>Place of a section among those of its kind, the least first; 0 for all that are not ordered by priority.</summary>
    internal static int OrderOf(ReadOnlySpan<byte> name, uint type) =>
        KindOf(name, type) is FunctionArrayKind.Init or FunctionArrayKind.Fini ? Priority(name) : 0;

    /// <summary>The arrays of a link that have a name (<c>.init_array</c> or its like), in the order in which linkers put them together.</summary>
    internal static List<(LinkObject File, int Index)> Find(IReadOnlyList<LinkObject> objects, byte[] name)
    {
        List<(LinkObject File, int Index)> found = [];
        foreach (LinkObject file in objects)
        {
            for (int i = 1; (file.Parts & ObjectParts.FunctionArrays) != 0 && i < file.LoadedSections.Length; i++)
            {
                if (file.IsKept(i) && IsOf(file.Elf.SectionName(i), name)
                    && KindOf(file.Elf, i) is not FunctionArrayKind.None)
                {
                    found.Add((file, i));
                }
            }
        }

        return [.. found.OrderBy(section =>
            OrderOf(section.File.Elf.SectionName(section.Index), section.File.Elf.Sections[section.Index].Type))];
    }

    /// <summary>
    /// The number at the end of the name, as lld and mold read it (<c>.init_array.101</c>; those of more than 16 bits, which no
    /// compiler makes, come after arrays without one).
    /// </summary>
    private static int Priority(ReadOnlySpan<byte> name)
    {
        bool countsDown = IsOf(name, ".ctors"u8) || IsOf(name, ".dtors"u8);
        if (!countsDown && !IsOf(name, ".init_array"u8) && !IsOf(name, ".fini_array"u8))
        {
            return NoPriority;
        }

        int dot = name.LastIndexOf((byte)'.');
        return !int.TryParse(name[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? NoPriority
            : countsDown && dot == ".ctors"u8.Length ? CtorsOrigin - number
            : number;
    }

    /// <summary>Tells whether a name is that of a family, or begins with it and a dot.</summary>
    internal static bool IsOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> family) =>
        name.StartsWith(family) && (name.Length == family.Length || name[family.Length] is (byte)'.');
}
