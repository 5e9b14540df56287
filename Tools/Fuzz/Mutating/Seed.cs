using ElfLoader.Elf;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>A file that mutants are made of.</summary>
internal sealed class Seed
{
    private readonly Site[][] _byKind;

    /// <summary>Takes a file apart.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bytes">The file.</param>
    /// <param name="folder">The folder that it lies in: of the members of thin archives.</param>
    internal Seed(string name, byte[] bytes, string folder = "")
    {
        Name = name;
        Bytes = bytes;
        if (bytes.AsSpan().StartsWith(Archive.ThinMagic))
        {
            Members = Archive.Read(bytes, name, NamedFile.MembersFrom(folder)).Members
                .ToDictionary(member => member.Name, member => member.Bytes.ToArray());
        }

        IsArchive = bytes.AsSpan().StartsWith("!<"u8);
        List<Site> sites = [];
        List<(int Offset, int Size)> entries = [];
        ushort machine = 0;
        if (IsArchive)
        {
            ArchiveSites.Find(bytes, sites, entries, ref machine);
        }
        else
        {
            machine = ElfSites.Find(bytes, 0, bytes.Length, sites, entries);
        }

        Machine = Members.Count > 0 ? ElfObject.Read(Members.First().Value, name).Machine : machine;
        Entries = [.. entries];
        _byKind = [.. sites.GroupBy(site => site.Kind).Select(group => group.ToArray())];
    }

    /// <summary>Its name.</summary>
    internal string Name { get; }

    /// <summary>The file.</summary>
    internal byte[] Bytes { get; }

    /// <summary>Files that it names, if it is a thin archive, and their contents.</summary>
    internal IReadOnlyDictionary<string, byte[]> Members { get; } = new Dictionary<string, byte[]>();

    /// <summary>Whether it is an archive.</summary>
    internal bool IsArchive { get; }

    /// <summary>e_machine of the object, or of the archive's first.</summary>
    internal ushort Machine { get; }

    /// <summary>Entries of tables: section headers, symbols, relocations, members. Neighbours in a table follow each other.</summary>
    internal (int Offset, int Size)[] Entries { get; }

    /// <summary>The kinds of fields that it has.</summary>
    internal ReadOnlySpan<Site[]> Kinds => _byKind;

    /// <summary>The files that thin archives name.</summary>
    internal static IReadOnlyDictionary<string, byte[]> MembersOf(IEnumerable<Seed> seeds) =>
        seeds.SelectMany(seed => seed.Members).DistinctBy(member => member.Key).ToDictionary();
}
