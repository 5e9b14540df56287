using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader.Linking;

/// <summary>The functions to call when a unit starts and ends, in the order of calling.</summary>
/// <remarks>
/// As linkers order them (gABI, "Initialization and Termination Functions"): <c>.preinit_array</c>, <c>.init</c>, then
/// <c>.init_array</c> and <c>.ctors</c> by priority, a section without one last; terminators the other way round.
/// </remarks>
internal sealed class InitializerLists
{
    /// <summary>Priority of a section that names none: after all that do.</summary>
    private const int NoPriority = 65536;

    /// <summary>Priorities of <c>.ctors.NNNNN</c> count down from this, those of <c>.init_array.NNNNN</c> up.</summary>
    private const int CtorsOrigin = 65535;

    private InitializerLists(List<ulong> initializers, List<ulong> terminators)
    {
        Initializers = initializers;
        Terminators = terminators;
    }

    /// <summary>Addresses to call at the start.</summary>
    internal IReadOnlyList<ulong> Initializers { get; }

    /// <summary>Addresses to call at the end, the last of them first.</summary>
    internal IReadOnlyList<ulong> Terminators { get; }

    /// <summary>Whether objects have any function to call at the start.</summary>
    internal static bool Any(ReadOnlySpan<LinkObject> objects)
    {
        foreach (LinkObject file in objects)
        {
            ReadOnlySpan<SectionHeader> headers = file.Elf.SectionsInMemory;
            for (int i = 1; i < headers.Length; i++)
            {
                if (file.IsKept(i) && headers[i].Size > 0
                    && (headers[i].Type is ElfConstants.SHT_INIT_ARRAY or ElfConstants.SHT_PREINIT_ARRAY
                        || file.Sections[i].Role is SectionRole.Init
                        || IsNamed(file.Elf.SectionName(i), ".ctors"u8)))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Reads the relocated arrays of all objects.</summary>
    internal static InitializerLists Collect(ReadOnlySpan<LinkObject> objects, UnitLayout layout)
    {
        ulong code = layout.Blocks[(int)MemoryZone.Code].Address;
        ulong[] init = layout.Init is { Exists: true } first ? [code + first.Offset] : [];
        ulong[] fini = layout.Fini is { Exists: true } last ? [code + last.Offset] : [];
        List<(int Priority, ulong[] Functions)> before = [];
        List<(int Priority, ulong[] Functions)> start = [];
        List<(int Priority, ulong[] Functions)> end = [];
        foreach (LinkObject file in objects)
        {
            if ((file.Parts & ObjectParts.FunctionArrays) == 0)
            {
                continue;
            }

            ReadOnlySpan<SectionHeader> headers = file.Elf.SectionsInMemory;
            for (int i = 1; i < headers.Length; i++)
            {
                if (!file.IsKept(i) || headers[i].Size is 0)
                {
                    continue;
                }

                if (headers[i].Type is ElfConstants.SHT_PROGBITS
                    && !file.Elf.SectionNameStartsWith(i, ".ctors"u8) && !file.Elf.SectionNameStartsWith(i, ".dtors"u8))
                {
                    continue;
                }

                ReadOnlySpan<byte> name = file.Elf.SectionName(i);
                switch (headers[i].Type)
                {
                    case ElfConstants.SHT_PREINIT_ARRAY:
                        before.Add((0, Functions(file, i)));
                        break;
                    case ElfConstants.SHT_INIT_ARRAY:
                        start.Add((Priority(name, ".init_array"u8), Functions(file, i)));
                        break;
                    case ElfConstants.SHT_FINI_ARRAY:
                        end.Add((Priority(name, ".fini_array"u8), Functions(file, i)));
                        break;
                    case ElfConstants.SHT_PROGBITS when IsNamed(name, ".ctors"u8):
                        start.Add((CtorsPriority(name, ".ctors"u8), Reversed(Functions(file, i))));
                        break;
                    case ElfConstants.SHT_PROGBITS when IsNamed(name, ".dtors"u8):
                        end.Add((CtorsPriority(name, ".dtors"u8), Reversed(Functions(file, i))));
                        break;
                }
            }
        }

        return new InitializerLists([.. InOrder(before), .. init, .. InOrder(start)], [.. fini, .. InOrder(end)]);
    }

    /// <summary>Most functions that there can be to call at the end.</summary>
    internal static int CountTerminators(ReadOnlySpan<LinkObject> objects)
    {
        int count = 1; // the fragments of .fini
        foreach (LinkObject file in objects)
        {
            if ((file.Parts & ObjectParts.FunctionArrays) == 0)
            {
                continue;
            }

            ReadOnlySpan<SectionHeader> headers = file.Elf.SectionsInMemory;
            for (int i = 1; i < headers.Length; i++)
            {
                if (file.IsKept(i) && IsTerminators(file, i, headers[i]))
                {
                    count += file.Elf.SectionBytes(i).Length / sizeof(ulong);
                }
            }
        }

        return count;
    }

    /// <summary>The arrays of a name (<c>.init_array</c> or its like), in the order in which linkers put them together.</summary>
    internal static List<(LinkObject File, int Index)> FindArrays(IReadOnlyList<LinkObject> objects, byte[] name)
    {
        List<(LinkObject File, int Index)> found = [];
        foreach (LinkObject file in objects)
        {
            for (int i = 1; (file.Parts & ObjectParts.FunctionArrays) != 0 && i < file.LoadedSections.Length; i++)
            {
                if (file.IsKept(i) && IsNamed(file.Elf.SectionName(i), name)
                    && file.Elf.Sections[i].Type
                        is ElfConstants.SHT_INIT_ARRAY or ElfConstants.SHT_FINI_ARRAY or ElfConstants.SHT_PREINIT_ARRAY)
                {
                    found.Add((file, i));
                }
            }
        }

        return [.. found.OrderBy(section => Priority(section.File.Elf.SectionName(section.Index), name))];
    }

    /// <summary>Whether a section is an array of functions to call at the start or at the end.</summary>
    internal static bool IsArray(LinkObject file, int section, in SectionHeader header) =>
        header.Type is ElfConstants.SHT_INIT_ARRAY or ElfConstants.SHT_PREINIT_ARRAY
        || IsOldArray(file, section, header, ".ctors"u8)
        || IsTerminators(file, section, header);

    private static bool IsTerminators(LinkObject file, int section, in SectionHeader header) =>
        header.Type is ElfConstants.SHT_FINI_ARRAY || IsOldArray(file, section, header, ".dtors"u8);

    /// <summary>Whether a section is an array from before there were types for them.</summary>
    private static bool IsOldArray(LinkObject file, int section, in SectionHeader header, ReadOnlySpan<byte> name) =>
        header.Type is ElfConstants.SHT_PROGBITS && file.Elf.SectionNameStartsWith(section, name)
        && IsNamed(file.Elf.SectionName(section), name);

    private static IEnumerable<ulong> InOrder(List<(int Priority, ulong[] Functions)> arrays) =>
        arrays.OrderBy(array => array.Priority).SelectMany(array => array.Functions);

    private static ulong[] Functions(LinkObject file, int section)
    {
        ReadOnlySpan<byte> bytes = NativeBytes.ReadOnlyAt(
            file.Sections[section].Address, file.Elf.SectionBytes(section).Length);
        var functions = new List<ulong>(bytes.Length / sizeof(ulong));
        for (int i = 0; i + sizeof(ulong) <= bytes.Length; i += sizeof(ulong))
        {
            ulong function = BinaryPrimitives.ReadUInt64LittleEndian(bytes[i..]);
            if (function is not (0 or ulong.MaxValue)) // crtbegin.o's .ctors begins with -1 and ends with 0
            {
                functions.Add(function);
            }
        }

        return [.. functions];
    }

    private static ulong[] Reversed(ulong[] functions)
    {
        Array.Reverse(functions);
        return functions;
    }

    private static bool IsNamed(ReadOnlySpan<byte> name, ReadOnlySpan<byte> prefix) =>
        name.StartsWith(prefix) && (name.Length == prefix.Length || name[prefix.Length] is (byte)'.');

    private static int Priority(ReadOnlySpan<byte> name, ReadOnlySpan<byte> prefix) =>
        name.Length > prefix.Length + 1 && name.StartsWith(prefix) && int.TryParse(
            Encoding.UTF8.GetString(name[(prefix.Length + 1)..]), NumberStyles.None, CultureInfo.InvariantCulture, out int priority)
            ? priority
            : NoPriority;

    private static int CtorsPriority(ReadOnlySpan<byte> name, ReadOnlySpan<byte> prefix)
    {
        int priority = Priority(name, prefix);
        return priority is NoPriority ? NoPriority : CtorsOrigin - priority;
    }
}
