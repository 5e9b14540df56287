namespace ElfLoader.Fuzz.Mutating;

/// <summary>A file that mutants are made of.</summary>
internal sealed class Seed
{
    private readonly Site[][] _byKind;

    internal Seed(string name, byte[] bytes)
    {
        Name = name;
        Bytes = bytes;
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

        Machine = machine;
        Entries = [.. entries];
        _byKind = [.. sites.GroupBy(site => site.Kind).Select(group => group.ToArray())];
    }

    /// <summary>Its name.</summary>
    internal string Name { get; }

    /// <summary>The file.</summary>
    internal byte[] Bytes { get; }

    /// <summary>Whether it is an archive.</summary>
    internal bool IsArchive { get; }

    /// <summary>e_machine of the object, or of the archive's first.</summary>
    internal ushort Machine { get; }

    /// <summary>Entries of tables: section headers, symbols, relocations, members. Neighbours in a table follow each other.</summary>
    internal (int Offset, int Size)[] Entries { get; }

    /// <summary>The kinds of fields that it has.</summary>
    internal ReadOnlySpan<Site[]> Kinds => _byKind;
}
