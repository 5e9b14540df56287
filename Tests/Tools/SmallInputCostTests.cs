using System.Globalization;
using System.Text;
using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;
using static ElfLoader.Arch.X64.X64Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Tools;

/// <summary>Small files that name large things very often: memory, time and output stay in proportion to the file.</summary>
[Category("EndToEnd")]
[Platform("Linux")]
public sealed class SmallInputCostTests
{
    private const int LongName = 250_000;
    private const int Many = 20_000;
    private const int LongestError = 4096;

    private TemporaryFolder _folder = null!;
    private MeasuredCommand _measured = null!;

    [OneTimeSetUp]
    public void Compile()
    {
        _folder = new TemporaryFolder();
        _measured = new MeasuredCommand(_folder);
        File.WriteAllBytes(_folder.File("empty.o"), new ElfBuilder().Build());
    }

    [OneTimeTearDown]
    public void Delete() => _folder.Dispose();

    /// <summary>Names that share one long string's end; one long name that is mentioned very often.</summary>
    [TestCase("symbols", "inspect --symbols")]
    [TestCase("symbols", "run")]
    [TestCase("undefined", "run")]
    [TestCase("undefined", "inspect --json --symbols --relocations")]
    [TestCase("sections", "inspect --sections")]
    [TestCase("groups", "run")]
    [TestCase("mentions", "inspect --relocations")]
    [TestCase("mentions", "inspect --json --relocations")]
    [TestCase("mentions", "run")]
    public void CostsAreInProportionToTheFile(string bomb, string command)
    {
        string file = _folder.File($"{bomb}.o");
        File.WriteAllBytes(file, Bomb(bomb));
        long size = new FileInfo(file).Length;

        (CommandResult result, long memory) = _measured.Run(command, file);
        (_, long least) = _measured.Run(command, _folder.File("empty.o"));

        Assert.That(result.Status, Is.EqualTo(bomb is "mentions" && command is not "run" ? 0 : command is "run" ? 125 : 1), result.Error);
        Assert.That(memory - least, Is.LessThanOrEqualTo((32 << 10) + (40 * size / 1024)), "kB");
        Assert.That(result.Output.Length, Is.LessThanOrEqualTo((64 << 10) + (16 * size)));
        foreach (string line in result.Error.TrimEnd().Split('\n'))
        {
            Assert.That(Encoding.UTF8.GetByteCount(line), Is.LessThanOrEqualTo(LongestError));
        }
    }

    [Test]
    public void NamesThatShareTheirBytesAreRefusedAsOneMistake([Values("symbols", "sections", "groups")] string bomb)
    {
        LinkException exception = Assert.Throws<LinkException>(() => ElfObject.Read(Bomb(bomb), "bomb.o"));

        Assert.That(exception.Errors.Single().Code, Is.EqualTo(LinkErrorCode.LimitExceeded));
        Assert.That(exception.Message, Does.Contain(bomb).And.Contain("16 times the file"));
    }

    /// <summary>What compilers and linkers share is accepted: all names equal, names that end others.</summary>
    [Test]
    public void OrdinarySharingIsAccepted()
    {
        Assert.That(ElfObject.Read(Written(1000, 300, 1, isDefined: false), "equal.o").SymbolCount, Is.EqualTo(1001));
        Assert.That(ElfObject.Read(Written(2, LongName, 2, isDefined: false), "ends.o").SymbolCount, Is.EqualTo(3));
    }

    /// <summary>The text of a message has a limit; names below it are whole.</summary>
    [TestCase(1000, true)]
    [TestCase(LongName, false)]
    public void ErrorsHaveALimit(int length, bool isWhole)
    {
        ElfBuilder elf = new();
        string name = $"begin{new string('é', length / 2)}end";
        elf.AddRelocation(elf.AddWords(".data" + new string('s', length), 0), 0, R_X86_64_64, elf.AddSymbol(name));
        using var library = new ObjectLibrary("long");

        LinkError error = Assert.Throws<LinkException>(() => library.Load(elf.Build(), new string('f', length))).Errors.Single();

        Assert.That(Encoding.UTF8.GetByteCount(error.ToString()), Is.LessThanOrEqualTo(LongestError));
        Assert.That(error.Message, Does.Contain("'begin").And.Contain("end'").Or.Contain("end ("));
        Assert.That(error.Message.Contains(name, StringComparison.Ordinal), Is.EqualTo(isWhole));
    }

    [Test]
    public void AThinArchiveThatNamesOneFileManyTimesIsRefused()
    {
        ElfBuilder member = new();
        member.AddSection(".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, new byte[200_000]);
        File.WriteAllBytes(_folder.File("member.o"), member.Build());
        StringBuilder text = new("!<thin>\n");
        for (int i = 0; i < 1000; i++)
        {
            string path = i % 2 is 0 ? "member.o/" : "././member.o/";
            text.Append(CultureInfo.InvariantCulture, $"{path,-16}{0,-12}{0,-6}{0,-6}{644,-8}{200_000,-10}`\n");
        }

        byte[] bytes = Encoding.ASCII.GetBytes(text.ToString());
        Archive archive = Archive.Read(bytes, "thin.a", NamedFile.MembersFrom(_folder.Path));

        LinkException exception = Assert.Throws<LinkException>(() => archive.TryFind("nothing"u8, out _));

        Assert.That(exception.Errors.Single().Code, Is.EqualTo(LinkErrorCode.LimitExceeded));
        Assert.That(archive.Members[0].Bytes, Is.EqualTo(archive.Members[2].Bytes), "in memory once");
    }

    /// <summary>An object whose names are ends of one string; written here, as no compiler writes such.</summary>
    private static byte[] Bomb(string kind) => kind switch
    {
        "symbols" => Written(Many, LongName, 1000, isDefined: true),
        "undefined" => Written(Many, LongName, 1000, isDefined: false, relocations: Many),
        "mentions" => Written(1, LongName, 1, isDefined: false, relocations: Many),
        "sections" => Written(0, LongName, 1000, isDefined: false, sections: Many),
        _ => Written(1, LongName, 1, isDefined: true, groups: Many),
    };

    private static byte[] Written(
        int symbols, int nameLength, int ends, bool isDefined, int relocations = 0, int sections = 0, int groups = 0)
    {
        const int symbolTable = 2;
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        List<byte[]> headers = [new byte[64]];
        writer.Write(new byte[64]);
        byte[] names = [0, .. Enumerable.Repeat((byte)'n', nameLength), 0];
        byte[] symbolBytes =
        [
            .. new byte[24],
            .. Enumerable.Range(0, symbols).SelectMany(i => (byte[])
            [
                .. BitConverter.GetBytes(1 + (i % ends)), 0x10, 0, .. BitConverter.GetBytes((ushort)(isDefined ? 1 : 0)), .. new byte[16],
            ]),
        ];
        Add(SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, new byte[64]);
        Add(SHT_SYMTAB, 0, symbolBytes, link: 3, info: 1, entrySize: 24);
        Add(SHT_STRTAB, 0, names);
        if (relocations > 0)
        {
            byte[] one = [.. new byte[8], .. BitConverter.GetBytes(R_X86_64_64), .. BitConverter.GetBytes(1), .. new byte[8]];
            Add(SHT_RELA, SHF_INFO_LINK, [.. Enumerable.Repeat(one, relocations).SelectMany(bytes => bytes)], symbolTable, 1, 24);
        }

        for (int i = 0; i < groups; i++)
        {
            Add(SHT_GROUP, 0, [1, 0, 0, 0], symbolTable, 1, 4);
        }

        for (int i = 0; i < sections; i++)
        {
            Add(SHT_PROGBITS, SHF_ALLOC, [1], name: 1 + (i % ends));
        }

        long table = stream.Position;
        headers.ForEach(writer.Write);
        stream.Position = 0;
        writer.Write([0x7f, .. "ELF"u8, 2, 1, 1, .. new byte[9]]);
        writer.Write((ushort)1); // ET_REL
        writer.Write((ushort)62); // EM_X86_64
        writer.Write(1);
        writer.Write(new byte[16]);
        writer.Write(table);
        writer.Write(new byte[4]);
        Array.ForEach<ushort>([64, 0, 0, 64, (ushort)headers.Count, 3], writer.Write);
        return stream.ToArray();

        void Add(uint type, ulong flags, byte[] bytes, int link = 0, int info = 0, int entrySize = 0, int name = 0)
        {
            byte[] header =
            [
                .. BitConverter.GetBytes(name), .. BitConverter.GetBytes(type), .. BitConverter.GetBytes(flags), .. new byte[8],
                .. BitConverter.GetBytes(stream.Position), .. BitConverter.GetBytes((long)bytes.Length),
                .. BitConverter.GetBytes(link), .. BitConverter.GetBytes(info), .. BitConverter.GetBytes(1L),
                .. BitConverter.GetBytes((long)entrySize),
            ];
            headers.Add(header);
            writer.Write(bytes);
            writer.Write(new byte[-bytes.Length & 7]);
        }
    }
}
