using System.Globalization;
using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

/// <summary>What the kernel says of the mappings that belong to pools.</summary>
internal static class OwnMappings
{
    /// <summary>Mappings inside the pool, and all views of memory files.</summary>
    internal static int Count(MemoryPool pool) => ProcessMaps.Read().Count(mapping => IsOwn(mapping, pool));

    /// <summary>Views of memory files, of all pools of the process.</summary>
    internal static int CountViews() => ProcessMaps.Read().Count(IsView);

    /// <summary>Proportional set size of these, in KiB.</summary>
    internal static long Pss(MemoryPool pool)
    {
        long total = 0;
        bool own = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (char.IsAsciiHexDigitLower(line[0]))
            {
                own = IsOwn(ProcessMaps.Parse([line])[0], pool);
            }
            else if (own && line.StartsWith("Pss:", StringComparison.Ordinal))
            {
                total += long.Parse(line.AsSpan(4, line.Length - 6).Trim(), CultureInfo.InvariantCulture);
            }
        }

        return total;
    }

    private static bool IsOwn(ProcessMapping mapping, MemoryPool pool) =>
        pool.Range.Contains(mapping.Start) || IsView(mapping);

    private static bool IsView(ProcessMapping mapping) =>
        mapping.Path.StartsWith("/memfd:elfloader", StringComparison.Ordinal);
}
