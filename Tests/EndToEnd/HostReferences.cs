namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// What <c>readelf</c> and <c>nm</c> say about 32-bit references of objects to data of the host's libraries: an opinion,
/// independent of the loader's, on whether any placement can serve these objects.
/// </summary>
internal static class HostReferences
{
    private static readonly string[] Libraries = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6"];
    private static readonly Lazy<HashSet<string>> HostData = new(ReadHostData);

    /// <summary>
    /// The host's data symbols that the objects refer to with 32 bits and that can't be served: absolute references
    /// always, PC-relative ones where another reference demands that the objects lie below 2 GiB.
    /// </summary>
    public static IReadOnlySet<string> OutOfReach(IEnumerable<string> objects)
    {
        HashSet<string> absolute = [];
        HashSet<string> relative = [];
        bool mustBeLow = false;
        foreach (string[] fields in Lines("readelf", ["-rW", .. objects]).Where(fields => fields.Length >= 5))
        {
            string name = fields[4].Split('@')[0];
            switch (fields[2])
            {
                case "R_X86_64_32" or "R_X86_64_32S":
                    mustBeLow = true;
                    absolute.Add(name);
                    break;
                case "R_X86_64_PC32":
                    relative.Add(name);
                    break;
            }
        }

        HashSet<string> wanted = mustBeLow ? [.. absolute, .. relative] : absolute;
        wanted.IntersectWith(HostData.Value);
        wanted.ExceptWith(
            Lines("nm", ["--defined-only", .. objects]).Where(fields => fields.Length is 3).Select(fields => fields[2]));
        return wanted;
    }

    private static HashSet<string> ReadHostData() =>
    [
        .. from library in Libraries
           let path = Command.Check("gcc-12", [$"-print-file-name={library}"]).Trim()
           from fields in Lines("nm", ["-D", "--defined-only", path])
           where fields.Length is 3 && fields[1] is "B" or "D" or "R" or "V" or "u" or "G" or "S"
           select fields[2].Split('@')[0],
    ];

    private static IEnumerable<string[]> Lines(string program, IEnumerable<string> arguments) =>
        Command.Check(program, arguments).Split('\n')
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
