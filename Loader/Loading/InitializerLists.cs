using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Loading;

/// <summary>The functions to call when a unit starts and ends, in the order of calling.</summary>
/// <remarks>
/// As linkers order them (gABI, "Initialization and Termination Functions"): <c>.preinit_array</c>, <c>.init</c>, then
/// <c>.init_array</c> and <c>.ctors</c> by priority, a section without one last; terminators the other way round.
/// </remarks>
internal sealed class InitializerLists
{
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
                    && (file.Sections[i].Role is SectionRole.Init
                        || FunctionArrays.KindOf(file.Elf, i) is FunctionArrayKind.Preinit or FunctionArrayKind.Init))
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

                FunctionArrayKind kind = FunctionArrays.KindOf(file.Elf, i);
                if (kind is not FunctionArrayKind.None)
                {
                    int priority = FunctionArrays.OrderOf(file.Elf.SectionName(i), headers[i].Type);
                    ulong[] functions = Functions(file, i);
                    if (FunctionArrays.IsReversed(headers[i].Type))
                    {
                        Array.Reverse(functions);
                    }

                    (kind is FunctionArrayKind.Preinit ? before : kind is FunctionArrayKind.Init ? start : end)
                        .Add((priority, functions));
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
                if (file.IsKept(i) && FunctionArrays.KindOf(file.Elf, i) is FunctionArrayKind.Fini)
                {
                    count += file.Elf.SectionBytes(i).Length / sizeof(ulong);
                }
            }
        }

        return count;
    }

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
}
