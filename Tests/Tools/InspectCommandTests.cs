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
            Assert.That(result.Output, Does.Match(@"(?s)object for ARM, 32-bit.*\na:\n.*1eff2fe1 +bx lr\n"));
            Assert.That(result.Output, Does.Match(@"44332211 +\.word 0x11223344\n.*t:\n.*7047 +bx lr\n"));
        }
    }

    /// <summary>Code in A32 and T32, with tables of data between the instructions, as LLVM's disassembler sees it.</summary>
    [TestCase("-marm", "armv7-linux-gnueabihf")]
    [TestCase("-mthumb", "armv7-linux-gnueabihf")]
    [TestCase("-marm", "armv5te-linux-gnueabi")]
    [TestCase("-mthumb", "armv6m-none-eabi")]
    public void DisassemblesArmAsLlvmDoes(string instructionSet, string target)
    {
        using var programs = new ToolPrograms();
        string program = programs.Compile("arm", """
            extern int out(const char *, int); extern double scale; static int counts[64];
            int pick(int x) { switch (x) { case 0: return out("a", 1); case 1: return 77777; case 2: return x * 3;
                case 3: return out("b", 5); case 4: return 12; case 5: return counts[x]; default: return -1; } }
            long long product(long long a, long long b) { return a * b + 0x123456789abcdefLL; }
            int sum(const int *v, int n) { int s = 0; for (int i = 0; i < n; i++) { s += v[i] << (i & 7); counts[i & 63] += s; } return s; }
            int compare(int a, int b) { return a > b ? a - b : a < -b ? b >> 3 : scale > 1.5; }
            """, $"--target={target}", instructionSet, "-O2");
        using JsonDocument document = Json(program, "--disassemble");

        string[] ours =
        [
            .. from section in document.RootElement.GetProperty("files")[0].GetProperty("objects")[0]
                .GetProperty("disassembly").EnumerateArray()
               from instruction in section.GetProperty("instructions").EnumerateArray()
               let text = instruction.GetProperty("text").GetString()!
               where !text.StartsWith('.')
               select $"{instruction.GetProperty("offset").GetString()} {text.Split(' ')[0]}",
        ];
        string triple = target.StartsWith("armv6m", StringComparison.Ordinal) ? "thumbv7m" : "armv8a";
        string listing = Command.Check("llvm-objdump-19", ["-d", "--no-show-raw-insn", $"--triple={triple}", program]);
        string[] theirs =
        [
            .. from line in listing.Split('\n')
               let fields = line.Split([':', '\t', ' '], StringSplitOptions.RemoveEmptyEntries)
               where fields.Length >= 2 && line.StartsWith(' ') && char.IsAsciiHexDigit(fields[0][0])
               where !line.Contains("\t.", StringComparison.Ordinal) // data
               select $"0x{fields[0]} {fields[1]}",
        ];

        Assert.That(ours, Has.Length.GreaterThan(60));
        Assert.That(ours, Is.EqualTo(theirs));
    }

    /// <summary>What a machine's table refuses, by name and with what to do.</summary>
    [TestCase("R_ARM_GOTFUNCDESC", "compile without -mfdpic")]
    [TestCase("R_ARM_TLS_DTPMOD32", "the objects that the shared library was made of")]
    [TestCase("R_ARM_PRIVATE_3", "is private to a platform")]
    [TestCase("R_ARM_RBASE", "has been withdrawn from the ABI")]
    public void TellsWhichArmRelocationsAreRefused(string type, string advice)
    {
        using var programs = new ToolPrograms();
        uint number = ElfLoader.Arch.Arm.Arm.Default.Relocations.Rules.Single(rule => rule.Name == type).Type;
        var builder = new ElfBuilder(is64Bit: false, ElfLoader.Elf.ElfConstants.EM_ARM);
        int data = builder.AddSection(".data", bytes: new byte[8], alignment: 4);
        builder.AddRelocation(data, 4, number, builder.AddSymbol("x"));
        string path = programs.Path("refused.o");
        File.WriteAllBytes(path, builder.Build());

        CommandResult result = ElfloadCommand.Invoke("inspect", path);
        CommandResult link = ElfloadCommand.Invoke("link", path, "-o", programs.Path("x"), "--allow-undefined");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Output, Does.Match($@"not supported: {type} \(\.data\+0x4\): .*{advice}"));
            Assert.That(link.Status, Is.EqualTo(1), "what inspect calls unsupported is refused");
            Assert.That(link.Error, Does.Contain(type));
        }
    }

    [Test]
    public void ListsMembersOfArchives()
    {
        using var programs = new ToolPrograms();
        string archive = programs.Archive("two.a", Fixtures.Object("hello"), Fixtures.Object("calls"));

        CommandResult result = ElfloadCommand.Invoke("inspect", archive);

        Assert.That(result.Output, Does.Match(@"two\.a: archive of 2 members\n.*\n.*object for x86-64 +hello\.o\n.*object for x86-64 +calls\.o\n"));
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
            Assert.That(result.Output, Does.Contain("hello.o: object for x86-64"));
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
