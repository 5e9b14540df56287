using System.Globalization;
using System.Text;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Finds the fields of a well-formed archive and of the objects in it.</summary>
internal static class ArchiveSites
{
    private const int HeaderSize = 60;

    /// <summary>Finds them.</summary>
    internal static void Find(byte[] file, List<Site> sites, List<(int Offset, int Size)> entries, ref ushort machine)
    {
        for (int i = 0; i < 8; i++)
        {
            sites.Add(new Site(i, 1, SiteKind.MemberHeader));
        }

        bool isThin = file.AsSpan().StartsWith("!<thin>"u8);
        int at = 8;
        while (at + HeaderSize <= file.Length)
        {
            entries.Add((at, HeaderSize));
            for (int i = 0; i < HeaderSize; i++)
            {
                sites.Add(new Site(at + i, 1, SiteKind.MemberHeader));
            }

            string name = Encoding.ASCII.GetString(file, at, 16).TrimEnd();
            int size = int.Parse(Encoding.ASCII.GetString(file, at + 48, 10).TrimEnd(), CultureInfo.InvariantCulture);
            int start = at + HeaderSize;
            bool isTable = name.StartsWith("__.SYMDEF", StringComparison.Ordinal)
                || name is "/" or "//" or "/SYM64/"
                || (name.StartsWith("#1/", StringComparison.Ordinal) && file.AsSpan(start).StartsWith("__.SYMDEF"u8));
            if (isThin && !isTable)
            {
                at = start;
                continue;
            }

            if (isThin && name is "//")
            {
                FindPaths(file.AsSpan(start, size), start, sites);
            }

            int contents = name.StartsWith("#1/", StringComparison.Ordinal)
                ? start + int.Parse(name[3..], CultureInfo.InvariantCulture)
                : start;
            for (int i = start; i < (isTable ? start + size : contents); i++)
            {
                sites.Add(new Site(i, 1, SiteKind.ArchiveIndex));
            }

            if (!isTable && file.AsSpan(contents).StartsWith("\u007fELF"u8))
            {
                machine = ElfSites.Find(file, contents, start + size - contents, sites, entries);
            }

            at = start + size + (size & 1);
        }
    }

    /// <summary>The paths of a thin archive's members, each with the line's end.</summary>
    private static void FindPaths(ReadOnlySpan<byte> names, int start, List<Site> sites)
    {
        while (names.IndexOf((byte)'\n') is >= 0 and int end)
        {
            sites.Add(new Site(start, end + 1, SiteKind.MemberPath));
            names = names[(end + 1)..];
            start += end + 1;
        }
    }
}
