using ElfLoader.Benchmarks.Measuring;
using ElfLoader.Elf;

namespace ElfLoader.Benchmarks.Inputs;

/// <summary>Object files that are loaded together, and the list of their paths that all contestants read.</summary>
internal sealed class ObjectSet
{
    private const ulong Allocated = 2; // SHF_ALLOC

    private (long, long, long)? _sizes;

    private ObjectSet(string list) => List = list;

    /// <summary>A file with a path in each line.</summary>
    public string List { get; }

    /// <summary>The paths.</summary>
    public IReadOnlyList<string> Paths => field ??= File.ReadAllLines(List);

    /// <summary>The objects that a file names, one in each line.</summary>
    public static ObjectSet Listed(string list) => new(list);

    /// <summary>The objects of a folder, in the order of their names.</summary>
    public static ObjectSet InFolder(string folder)
    {
        string list = Path.Combine(folder, "list");
        if (!File.Exists(list))
        {
            File.WriteAllLines(list, Directory.GetFiles(folder, "*.o").Order(StringComparer.Ordinal));
        }

        return new ObjectSet(list);
    }

    /// <summary>The first objects of a set.</summary>
    public ObjectSet First(int count)
    {
        string list = $"{List}.{count}";
        File.WriteAllLines(list, Paths.Take(count));
        return new ObjectSet(list);
    }

    /// <summary>The members of archives.</summary>
    public static ObjectSet OfArchives(string name, params IEnumerable<string> archives) =>
        InFolder(InputFolder.Filled(name, folder => Extract(archives, folder)));

    /// <summary>Reads them all.</summary>
    public (string Name, byte[] Bytes)[] Read() =>
        [.. Paths.Select(path => (Path.GetFileName(path), File.ReadAllBytes(path)))];

    /// <summary>Size of what is loaded of them, in bytes.</summary>
    public long BytesToMap => Sizes.Mapped;

    private (long Bytes, long Mapped, long Relocations) Sizes => _sizes ??= Measure();

    /// <summary>Their number and size, in words.</summary>
    public string Describe() => FormattableString.Invariant(
        $"{Paths.Count:n0} {(Paths.Count is 1 ? "object" : "objects")}, {ResultTable.Bytes(Sizes.Bytes)}, ")
        + FormattableString.Invariant($"{ResultTable.Bytes(Sizes.Mapped)} to map, {Sizes.Relocations:n0} relocations");

    private (long Bytes, long Mapped, long Relocations) Measure()
    {
        long bytes = 0;
        long mapped = 0;
        long relocations = 0;
        foreach ((string name, byte[] content) in Read())
        {
            var elf = ElfObject.Read(content, name);
            bytes += content.Length;
            foreach (SectionHeader section in elf.Sections)
            {
                mapped += (section.Flags & Allocated) is not 0 ? (long)section.Size : 0;
            }

            foreach (RelocationSection section in elf.RelocationSections)
            {
                relocations += section.Count;
            }
        }

        return (bytes, mapped, relocations);
    }

    private static void Extract(IEnumerable<string> archives, string folder)
    {
        foreach (string path in archives)
        {
            var archive = Archive.Read(File.ReadAllBytes(path), Path.GetFileName(path));
            for (int i = 0; i < archive.Members.Count; i++)
            {
                // Names can occur more than once, even in one archive.
                string file = $"{Path.GetFileNameWithoutExtension(path)}-{i:0000}-{archive.Members[i].Name}";
                File.WriteAllBytes(
                    Path.Combine(folder, Path.ChangeExtension(file, ".o")), archive.Members[i].Bytes.ToArray());
            }
        }
    }
}
