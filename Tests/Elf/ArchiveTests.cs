using System.Text;
using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Elf;

/// <summary>Archives of every format: members, names and the index of symbols.</summary>
public sealed class ArchiveTests
{
    private const string LongName = "a name that is longer than sixteen.o";

    private static readonly Lazy<byte[]> F = new(() => Definition("f", "common"));
    private static readonly Lazy<byte[]> G = new(() => Definition("g", "f"));

    private static IEnumerable<TestCaseData> Formats()
    {
        static TestCaseData Case(string name, ArchiveBuilder archive, bool hasIndex) =>
            new TestCaseData(archive.Build(), hasIndex).SetName(name);

        (string, byte[])[] members = [("a.o", F.Value), (LongName, G.Value)];
        (string, int)[] index = [("f", 0), ("common", 0), ("g", 1), ("f", 1)];
        yield return Case("GNU", ArchiveBuilder.Gnu(members).WithIndex(index), hasIndex: true);
        yield return Case("GNU, 64 bits", ArchiveBuilder.Gnu(members).With64BitIndex(index), hasIndex: true);
        yield return Case("GNU without index", ArchiveBuilder.Gnu(members), hasIndex: false);
        yield return Case("BSD", ArchiveBuilder.Bsd(members).WithIndex(index), hasIndex: true);
        yield return Case("BSD, 64 bits", ArchiveBuilder.Bsd(members).With64BitIndex(index), hasIndex: true);
        yield return Case("BSD without index", ArchiveBuilder.Bsd(members), hasIndex: false);
    }

    [TestCaseSource(nameof(Formats))]
    public void ReadsMembersAndIndex(byte[] file, bool hasIndex)
    {
        Archive archive = Archive.Read(file, "lib.a");

        Assert.Multiple(() =>
        {
            Assert.That(archive.HasIndex, Is.EqualTo(hasIndex));
            Assert.That(archive.IsThin, Is.False);
            Assert.That(archive.Members.Select(member => member.Name), Is.EqualTo(new[] { "a.o", LongName }));
            Assert.That(archive.Members[0].FullName, Is.EqualTo("lib.a(a.o)"));
            Assert.That(archive.Members[0].Bytes.ToArray(), Is.EqualTo(F.Value));
            Assert.That(archive.Members[1].Bytes.ToArray(), Is.EqualTo(G.Value));
            Assert.That(Find(archive, "f"), Is.Zero);
            Assert.That(Find(archive, "common"), Is.Zero);
            Assert.That(Find(archive, "g"), Is.EqualTo(1));
            Assert.That(Find(archive, "missing"), Is.Null);
            Assert.That(Find(archive, ""), Is.Null);
        });
    }

    [Test]
    public void OpensMembersOfThinArchivesWhenTheyAreWanted()
    {
        byte[] file =
            ArchiveBuilder.Thin(("folder/a.o", F.Value), ("b.o", G.Value)).WithIndex(("f", 0), ("g", 1)).Build();
        List<string> opened = [];
        Archive archive = Archive.Read(file, "lib.a", path =>
        {
            opened.Add(path);
            return path == "b.o" ? G.Value : throw new FileNotFoundException("No such file.");
        });

        Assert.That(archive.IsThin, Is.True);
        Assert.That(Find(archive, "g"), Is.EqualTo(1));
        Assert.That(opened, Is.Empty);
        Assert.That(archive.Members[1].Bytes.ToArray(), Is.EqualTo(G.Value));
        Assert.That(archive.Members[1].Bytes.ToArray(), Is.EqualTo(G.Value));
        Assert.That(opened, Is.EqualTo((string[])["b.o"]));

        LinkException thrown = Assert.Throws<LinkException>(() => _ = archive.Members[0].Bytes)!;
        Assert.That(thrown.Errors[0].Code, Is.EqualTo(LinkErrorCode.File));
        Assert.That(thrown.Message, Is.EqualTo("lib.a(folder/a.o): No such file."));
    }

    [Test]
    public void MembersOfThinArchivesNeedAnOpener()
    {
        Archive archive = Archive.Read(ArchiveBuilder.Thin(("a.o", F.Value)).WithIndex(("f", 0)).Build(), "lib.a");

        LinkException thrown = Assert.Throws<LinkException>(() => _ = archive.Members[0].Bytes)!;

        Assert.That(thrown.Errors[0].Code, Is.EqualTo(LinkErrorCode.File));
    }

    [Test]
    public void ReadsAnEmptyArchive()
    {
        Archive archive = Archive.Read(Archive.Magic.ToArray(), "lib.a");

        Assert.That(archive.Members, Is.Empty);
        Assert.That(Find(archive, "f"), Is.Null);
    }

    [Test]
    public void MakesItsIndexFromObjectsOnly()
    {
        byte[] file = ArchiveBuilder.Gnu(("notes.txt", [.. "text"u8]), ("a.o", F.Value)).Build();

        Assert.That(Find(Archive.Read(file, "lib.a"), "f"), Is.EqualTo(1));
    }

    [Test]
    public void FindsEachOfManySymbols()
    {
        ElfBuilder builder = new();
        int text = builder.AddCode(".text", 0xc3);
        for (int i = 0; i < 5000; i++)
        {
            builder.AddSymbol($"symbol{i}", text);
        }

        byte[] many = builder.Build();
        (string, int)[] index = [.. Enumerable.Range(0, 5000).Select(i => ($"symbol{i}", 0))];
        foreach (ArchiveBuilder archive in
            (ArchiveBuilder[])[ArchiveBuilder.Gnu(("a.o", many)), ArchiveBuilder.Gnu(("a.o", many)).WithIndex(index)])
        {
            Archive read = Archive.Read(archive.Build(), "lib.a");
            Assert.That(Enumerable.Range(0, 5000).Select(i => Find(read, $"symbol{i}")), Is.All.Zero);
            Assert.That(Find(read, "symbol5000"), Is.Null);
        }
    }

    [TestCase("!<arch>", "not an archive")]
    [TestCase("!<arch>\nshort", "member header of 60 bytes ends past the 13 bytes of the file")]
    [TestCase("!<arch>\na.o/            0           0     0     644     0         xx", "does not end with 60 0a")]
    [TestCase("!<arch>\na.o/            0           0     0     644     9         `\n", "member of 9 bytes ends past")]
    [TestCase("!<arch>\na.o/            0           0     0     644     x         `\n",
        "member size is not a decimal number")]
    [TestCase("!<arch>\na.o/            0           0     0     644     9999999999`\n",
        "member size is not a decimal number")]
    [TestCase("!<arch>\n/0              0           0     0     644     0         `\n",
        "long name at 0 is past the 0 bytes")]
    [TestCase("!<arch>\n#1/4            0           0     0     644     2         `\nab",
        "name of 4 bytes does not fit")]
    public void RefusesMalformedArchives(string file, string message) => Assert.That(
        () => Archive.Read(Encoding.UTF8.GetBytes(file), "lib.a"),
        Throws.TypeOf<LinkException>().With.Message.StartWith("lib.a: ").And.Message.Contains(message));

    [TestCase("/               ", "00", "symbol index of 1 byte has no count")]
    [TestCase("/               ", "ffffffff", "4294967295 entries do not fit the 4 bytes")]
    [TestCase("/               ", "0000000100000008", "name of entry 0 at 0 does not end in the 0 bytes of names")]
    [TestCase("/               ", "000000010000000866", "name of entry 0 at 0 does not end in the 1 byte of names")]
    [TestCase("/               ", "00000001ffffffff6600", "entry 0 refers to a member at 4294967295")]
    [TestCase("/               ", "00000001000000076600", "the index refers to a member at 7, where none begins")]
    [TestCase("/SYM64/         ", "0000000000000001", "1 entry does not fit the 8 bytes")]
    [TestCase("__.SYMDEF       ", "08000000ffffffff08000000020000006600", "name of entry 0 at 4294967295 does not end")]
    [TestCase("__.SYMDEF       ", "ffffffff", "536870911 entries do not fit the 4 bytes")]
    public void RefusesMalformedIndices(string name, string hex, string message)
    {
        byte[] index = Convert.FromHexString(hex);
        byte[] file = [.. "!<arch>\n"u8, .. Encoding.UTF8.GetBytes(
            $"{name}0           0     0     644     {index.Length,-10}`\n"), .. index];
        Archive archive = Archive.Read(file, "lib.a");

        Assert.That(
            () => archive.TryFind("f"u8, out _),
            Throws.TypeOf<LinkException>().With.Message.StartWith("lib.a: ").And.Message.Contains(message));
    }

    [Test]
    public void AWrongMemberIsNamedWithItsArchive()
    {
        byte[] wrong = [.. F.Value];
        wrong[16 + 4] = 7;

        LinkException thrown = Assert.Throws<LinkException>(
            () => Archive.Read(ArchiveBuilder.Gnu(("a.o", wrong)).Build(), "lib.a").TryFind("f"u8, out _))!;

        Assert.That(thrown.Message, Does.StartWith("lib.a(a.o): "));
    }

    private static int? Find(Archive archive, string symbol) =>
        archive.TryFind(Encoding.UTF8.GetBytes(symbol), out int member) ? member : null;

    private static byte[] Definition(string name, string common)
    {
        ElfBuilder builder = new();
        int text = builder.AddCode(".text", 0xc3);
        builder.AddSymbol("local", text, binding: SymbolBinding.Local);
        builder.AddSymbol(name, text);
        builder.AddSymbol("missing");
        builder.AddSymbol(common, SHN_COMMON, value: 8, size: 8, binding: SymbolBinding.Weak);
        return builder.Build();
    }
}
