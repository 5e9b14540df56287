namespace ElfLoader.Memory.Linux;

/// <summary>Where the libraries lie that the process started with.</summary>
internal static class HostLibraries
{
    // What a .NET process on Linux starts with. The dynamic linker and these are mapped next to one another.
    private static readonly string[] Names =
    [
        "ld-linux", "ld-musl", "libc.so", "libc-2", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libgcc_s.so",
        "libstdc++.so", "libc++.so", "libcoreclr.so", "libhostfxr.so", "libhostpolicy.so",
    ];

    // A library of that name that was opened later lies further away than this from those of the start, as .NET
    // reserves its heap in between.
    private const ulong Neighbourhood = 1UL << 28;

    /// <summary>The range from the first byte to the last of them, or an empty one.</summary>
    internal static AddressRange Find(IReadOnlyList<ProcessMapping> mappings)
    {
        List<AddressRange> libraries = Extents(mappings);
        int anchor = libraries.FindIndex(
            library => Holds(mappings, library, "ld-linux", "ld-musl", "libc.so", "libc-2"));
        if (anchor < 0)
        {
            return default;
        }

        AddressRange group = libraries[anchor];
        for (int i = anchor - 1; i >= 0 && group.Start - libraries[i].End <= Neighbourhood; i--)
        {
            group = group with { Start = libraries[i].Start };
        }

        for (int i = anchor + 1; i < libraries.Count && libraries[i].Start - group.End <= Neighbourhood; i++)
        {
            group = group with { End = libraries[i].End };
        }

        return group;
    }

    /// <summary>Whether the mapped file is one of those libraries.</summary>
    internal static bool IsHostLibrary(string path) => IsNamed(path, Names);

    // Each library's mappings, the zero pages after its data (std::cout lies there) included.
    private static List<AddressRange> Extents(IReadOnlyList<ProcessMapping> mappings)
    {
        List<AddressRange> extents = [];
        string current = "";
        foreach (ProcessMapping mapping in mappings)
        {
            bool continues = extents.Count > 0 && extents[^1].End == mapping.Start && current.Length > 0;
            if (IsHostLibrary(mapping.Path))
            {
                if (continues && mapping.Path == current)
                {
                    extents[^1] = extents[^1] with { End = mapping.End };
                }
                else
                {
                    extents.Add(mapping.Range);
                }

                current = mapping.Path;
            }
            else
            {
                if (continues && mapping.Path.Length is 0 && mapping.Access.HasFlag(MappingAccess.Write))
                {
                    extents[^1] = extents[^1] with { End = mapping.End };
                }

                current = "";
            }
        }

        return extents;
    }

    private static bool Holds(IReadOnlyList<ProcessMapping> mappings, AddressRange range, params string[] names) =>
        mappings.Any(mapping => range.Contains(mapping.Start) && IsNamed(mapping.Path, names));

    private static bool IsNamed(string path, string[] names) =>
        path.StartsWith('/')
        && names.Any(name => Path.GetFileName(path.AsSpan()).StartsWith(name, StringComparison.Ordinal));
}
