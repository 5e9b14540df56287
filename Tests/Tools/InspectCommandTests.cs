using System.Globalization;
using System.Text.Json;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>What <c>elfload inspect</c> shows, compared with what the system's tools show.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class InspectCommandTests
{
    /// <summary>Fixtures, and features that they were made to need.</summary>
    [TestCase("hello", "unwind-tables")]
    [TestCase("tls", "tls-local-exec")]
    [TestCase("tls-pic", "tls-general-dynamic")]
    [TestCase("tlsdesc", "tls-descriptors")]
    [TestCase("tlsforms", "tls-local-dynamic")]
    [TestCase("tlsforms", "tls-initial-exec")]
    [TestCase("comdat", "comdat")]
    [TestCase("calls-crel", "crel")]
    [TestCase("hello-compressed", "compressed-sections")]
    [TestCase("callbacks-large", "large-model")]
    [TestCase("callbacks-noplt", "got")]
    [TestCase("constructors", "initializers")]
    [TestCase("narrow", "low-addresses")]
    public void NamesWhatAnObjectNeeds(string fixture, string feature)
    {
        using JsonDocument document = Json(Fixtures.Object(fixture));
        IEnumerable<string?> names = document.RootElement.GetProperty("files")[0].GetProperty("objects")[0]
            .GetProperty("features").EnumerateArray().Select(found => found.GetProperty("name").GetString());

        Assert.That(names, Does.Contain(feature));
    }

    [Test]
    public void NamesWhatAnArmObjectNeeds()
    {
        using var programs = new ToolPrograms();
        string source = programs.Write("needs.s", """
                .syntax unified
                .arch armv7-a
                .fnstart
                bl other
                .reloc ., R_ARM_V4BX
                bx lr
                .fnend
                .thumb
                bx lr
                .data
                .word a(TARGET1), b(TARGET2), c(SBREL), d(GOT), e(TPOFF), f(GOTTPOFF), g(TLSGD)
            """);
        string compiled = programs.Path("needs.o");
        Command.Check("clang-19", ["--target=armv7-linux-gnueabihf", "-c", source, "-o", compiled]);

        using JsonDocument document = Json(compiled);
        JsonElement features = document.RootElement.GetProperty("files")[0].GetProperty("objects")[0].GetProperty("features");
        Dictionary<string, string> names = features.EnumerateArray().ToDictionary(
            found => found.GetProperty("name").GetString()!, found => found.GetRawText());

        Assert.That(names.Keys, Is.EquivalentTo((string[])
        [
            "arm-architecture", "a32", "t32", "unwind-index", "target1", "target2", "v4bx", "static-base", "got",
            "tls-local-exec", "tls-initial-exec", "tls-general-dynamic",
        ]));
        Assert.That(string.Concat(names.Values), Does.Not.Contain("unsupported"));
    }

    [Test]
    public void TellsWhatIsNotSupportedAndWhatHelps()
    {
        using var programs = new ToolPrograms();
        string program = programs.Compile("writable", """
            __asm__(".section .patched,\"awx\",@progbits\n ret\n .text");
            """);

        CommandResult result = ElfloadCommand.Invoke("inspect", program);

        Assert.That(result.Status, Is.Zero);
        Assert.That(result.Output, Does.Contain("not supported: writable-code (.patched): "));
    }

    [TestCase("hello")]
    [TestCase("strings")]
    [TestCase("tlsforms")]
    [TestCase("comdat")]
    public void ShowsWhatReadelfShows(string fixture)
    {
        string path = Fixtures.Object(fixture);
        using JsonDocument document = Json(path, "--sections", "--symbols", "--relocations");
        JsonElement inspected = document.RootElement.GetProperty("files")[0].GetProperty("objects")[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                inspected.GetProperty("symbols").EnumerateArray().Select(symbol =>
                    $"{symbol.GetProperty("index").GetInt32()} {symbol.GetProperty("value").GetString()} "
                    + $"{symbol.GetProperty("size").GetInt32()} {symbol.GetProperty("type").GetString()} "
                    + $"{symbol.GetProperty("binding").GetString()} {symbol.GetProperty("name").GetString()}"),
                Is.EqualTo(ReadelfSymbols(path)));
            Assert.That(
                inspected.GetProperty("relocations").EnumerateArray().Select(relocation =>
                    $"{relocation.GetProperty("offset").GetString()} {relocation.GetProperty("type").GetString()}"),
                Is.EqualTo(ReadelfRelocations(path)));
        }
    }

    [TestCase("hello")]
    [TestCase("tlsforms")]
    public void DisassemblesTheInstructionsThatObjdumpSees(string fixture)
    {
        string path = Fixtures.Object(fixture);
        using JsonDocument document = Json(path, "--disassemble");
        IEnumerable<string> instructions =
            from section in document.RootElement.GetProperty("files")[0].GetProperty("objects")[0]
                .GetProperty("disassembly").EnumerateArray()
            from instruction in section.GetProperty("instructions").EnumerateArray()
            select $"{instruction.GetProperty("offset").GetString()} {instruction.GetProperty("bytes").GetString()}";

        Assert.That(instructions, Is.EqualTo(ObjdumpInstructions(path)));
    }

    [Test]
    public void ShowsRelocationsInPlace()
    {
        CommandResult result = ElfloadCommand.Invoke("inspect", "--disassemble", Fixtures.Object("hello"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Output, Does.Contain("call printf    ; R_X86_64_PLT32 printf-0x4\n"));
            Assert.That(result.Output, Does.Contain("lea rdi, [.L.str.2]    ; R_X86_64_PC32 .L.str.2-0x4\n"));
            Assert.That(result.Output, Does.Contain("\nmain:\n"));
        }
    }

    [Test]
    public void ReadsArmObjectsByTheirMappingSymbols()
    {
        using var programs = new ToolPrograms();
        string program = programs.Compile("arm", """
            __asm__(".syntax unified\n .text\n a: bx lr\n .word 0x11223344\n .thumb\n .thumb_func\n t: bx lr\n bl outside\n");
            """, "--target=arm-linux-gnueabihf");

        CommandResult result = ElfloadCommand.Invoke("inspect", "--disassemble", program);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result, Has.Property("Status").Zero.And.Property("Error").Empty);
            Assert.That(result.Output, Does.Match(@"(?s)object for arm, 32-bit.*\na:\n.*1eff2fe1 +bx lr\n"));
            Assert.That(result.Output, Does.Match(@"44332211 +\.word 0x11223344\n.*t:\n.*7047 +bx lr\n"));
        }
    }

    [Test]
    public void ListsMembersOfArchives()
    {
        using var programs = new ToolPrograms();
        string archive = programs.Archive("two.a", Fixtures.Object("hello"), Fixtures.Object("calls"));

        CommandResult result = ElfloadCommand.Invoke("inspect", archive);

        Assert.That(result.Output, Does.Match(@"two\.a: archive of 2 members\n.*\n.*object +hello\.o\n.*object +calls\.o\n"));
    }

    [Test]
    public void GivesErrorsForDamagedFilesAndShowsTheOthers()
    {
        using var programs = new ToolPrograms();
        List<string> files = [];
        byte[] whole = File.ReadAllBytes(Fixtures.Object("strings"));
        var random = new Random(1);
        for (int i = 0; i < 150; i++)
        {
            byte[] damaged = i % 2 is 0 ? whole[..random.Next(whole.Length)] : [.. whole];
            for (int j = 0; j < 8 && i % 2 is not 0; j++)
            {
                damaged[random.Next(j % 2 is 0 ? 64 : damaged.Length)] = (byte)random.Next(256);
            }

            files.Add(programs.Path($"{i}.o"));
            File.WriteAllBytes(files[^1], damaged);
        }

        CommandResult result = ElfloadCommand.Invoke(
            ["inspect", "-S", "-s", "-r", "-d", .. files, Fixtures.Object("hello")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(1));
            Assert.That(result.Error.TrimEnd().Split('\n'), Has.All.StartsWith("elfload: error: "));
            Assert.That(result.Output, Does.Contain("hello.o: object for x86_64"));
        }
    }

    [Test]
    public void KeepsControlCharactersOfNamesFromTheTerminal()
    {
        using var programs = new ToolPrograms();
        string program = programs.Compile("names", "int hostile(void) __asm__(\"a\\x1b[31mb\"); int hostile(void) { return 0; }");

        CommandResult result = ElfloadCommand.Invoke("inspect", "--symbols", program);

        Assert.That(result.Output, Does.Not.Contain("\e").And.Contain(@"a\x1b[31mb"));
    }

    private static JsonDocument Json(string path, params IEnumerable<string> options)
    {
        CommandResult result = ElfloadCommand.Invoke(["inspect", "--json", path, .. options]);
        Assert.That(result.Status, Is.Zero, result.Error);
        return JsonDocument.Parse(result.Output);
    }

    private static IEnumerable<string> ReadelfSymbols(string path) =>
        from line in Command.Check("readelf", ["-sW", path]).Split('\n')
        let fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        where fields.Length >= 7 && fields[0].EndsWith(':') && fields[0] is not "0:" && char.IsAsciiDigit(fields[0][0])
        select $"{fields[0].TrimEnd(':')} 0x{Convert.ToUInt64(fields[1], 16):x} {fields[2]} "
            + $"{fields[3].ToLowerInvariant()} {fields[4].ToLowerInvariant()} {(fields.Length > 7 ? fields[7] : "")}";

    private static IEnumerable<string> ReadelfRelocations(string path) =>
        from line in Command.Check("readelf", ["-rW", path]).Split('\n')
        let fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        where fields.Length >= 3 && fields[2].StartsWith("R_", StringComparison.Ordinal)
        select $"0x{ulong.Parse(fields[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture):x} {fields[2]}";

    private static IEnumerable<string> ObjdumpInstructions(string path) =>
        from line in Command.Check("objdump", ["-d", "-w", path]).Split('\n')
        let fields = line.Split('\t')
        where fields.Length >= 3 && fields[0].EndsWith(':')
        select $"0x{fields[0].Trim().TrimEnd(':')} {fields[1].Replace(" ", "", StringComparison.Ordinal)}";
}
