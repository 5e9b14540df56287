using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>What <c>elfload explain</c> tells.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class ExplainCommandTests
{
    private static readonly string[] Calls = [Fixtures.Object("calls"), Fixtures.Object("callee"), "--allow-undefined"];

    /// <summary>The whole text for one place, its numbers by hand.</summary>
    [Test]
    public void TellsAPersonWhatWasDone()
    {
        CommandResult result = ElfloadCommand.Invoke(
            ["explain", .. Calls, "--base", "0x400000", "--map-section", "calls.o,.text=0x500000", "--map-section",
                "callee.o,.text=0x600000", "--symbol", "callee"]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result, Has.Property("Status").Zero.And.Property("Error").Empty);
            Assert.That(result.Output, Does.StartWith("""
                calls.o: .text+0x12 at 0x500012  R_X86_64_PLT32  callee  (in callee.o)
                    L + A - P = 0x600000 + -0x4 - 0x500012 = 0xfffea  2,146,435,093 from the limits -0x80000000 to 0x7fffffff
                    00 00 00 00 -> ea ff 0f 00
                    call callee -> call callee (0x600000)

                """));
            Assert.That(result.Output, Does.Match(@"\n\d of \d+ places: \d direct\n$"));
        }
    }

    [Test]
    public void TellsAProgramTheSame()
    {
        JsonElement patch = Json([.. Calls, "--map-section", "calls.o,.text=0x500000", "--map-section",
            "callee.o,.text=0x600000", "--symbol", "callee"])[0];

        Assert.That(patch.GetRawText(), Is.EqualTo("""
            {"object":"calls.o","section":".text","section_index":2,"offset":"0x12","address":"0x500012",
            "relocation":"R_X86_64_PLT32","type":4,"symbol":"callee","source":"other-object","provider":"callee.o",
            "method":"direct","formula":"L + A - P","terms":{"L":"0x600000","A":"-0x4","P":"0x500012"},"value":"0xfffea",
            "allowed":{"minimum":"-0x80000000","maximum":"0x7fffffff"},"margin":"0x7ff00015","bytes_offset":"0x12",
            "before":"00000000","after":"eaff0f00","instruction_before":"call callee",
            "instruction_after":"call callee (0x600000)"}
            """.ReplaceLineEndings("")));
    }

    [TestCase("--symbol", "callee")]
    [TestCase("--symbol", "callee*", "--type", "*GOTPCREL*")]
    [TestCase("--symbol", "callee", "--symbol", "printf")]
    [TestCase("--section", ".eh_frame")]
    [TestCase("--section", ".?ext")]
    [TestCase("--type", "R_X86_64_PC32", "--section", ".text")]
    public void Filters(params string[] filters)
    {
        JsonElement[] all = Json(Calls);
        JsonElement[] found = Json([.. Calls, .. filters]);

        Assert.That(found, Has.Length.InRange(1, all.Length - 1));
        Assert.That(
            found.Select(patch => patch.GetRawText()),
            Is.EqualTo(all.Where(patch => Admits(patch, filters)).Select(patch => patch.GetRawText())));
    }

    /// <summary>The instructions that objdump sees at the same places, in the object and in the linked file.</summary>
    [TestCase("calls", "callee")]
    [TestCase("gotpcrelx", "gotpcrelx2", "report")]
    [TestCase("tls-pic", "tls2-pic")]
    public void ShowsTheInstructionsThatObjdumpSees(params string[] fixtures)
    {
        using var folder = new TemporaryFolder();
        string[] arguments = [.. fixtures.Select(Fixtures.Object), "--allow-undefined"];
        string linked = folder.File("linked");
        Assert.That(ElfloadCommand.Invoke(["link", .. arguments, "-o", linked]).Status, Is.Zero);
        Dictionary<string, string> after = Mnemonics("objdump", linked);
        Dictionary<string, Dictionary<string, string>> before = fixtures.ToDictionary(
            name => $"{name}.o", name => Mnemonics("objdump", Fixtures.Object(name)));
        int compared = 0;

        using (Assert.EnterMultipleScope())
        {
            foreach (JsonElement patch in Json([.. arguments, "--section", ".text"]))
            {
                (ulong offset, ulong address) = (Number(patch, "offset"), Number(patch, "address"));
                string was = patch.GetProperty("instruction_before").GetString()!;
                string became = patch.GetProperty("instruction_after").GetString()!;
                if (!was.Contains(';') && !became.Contains(';'))
                {
                    Assert.That(MnemonicOf(was), Is.EqualTo(Holding(before[patch.GetProperty("object").GetString()!], offset)), was);
                    Assert.That(MnemonicOf(became), Is.EqualTo(Holding(after, address)), became);
                    compared++;
                }
            }

            Assert.That(compared, Is.GreaterThan(5));
        }
    }

    /// <summary>A call from T32 to A32 becomes BLX, and data among code stays data.</summary>
    [Test]
    public void ShowsArmInstructions()
    {
        using var programs = new ToolPrograms();
        string caller = programs.Compile(
            "caller",
            "int callee(int); extern int word; int caller(int x) { return callee(x) + word; }",
            "--target=armv7-linux-gnueabihf", "-mthumb", "-fPIC");
        string callee = programs.Compile(
            "callee", "int word; int callee(int x) { return x; }", "--target=armv7-linux-gnueabihf", "-marm");

        JsonElement[] patches = Json([caller, callee, "--section", ".text", "--map-section", "caller.o,.text=0x20000",
            "--map-section", "callee.o,.text=0x30000"]);
        JsonElement call = patches.Single(patch => patch.GetProperty("relocation").GetString() is "R_ARM_THM_CALL");
        JsonElement slot = patches.Single(patch => patch.GetProperty("relocation").GetString() is "R_ARM_GOT_PREL");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(call.GetProperty("instruction_before").GetString(), Is.EqualTo("bl callee"));
            Assert.That(call.GetProperty("instruction_after").GetString(), Is.EqualTo("blx #0x30000 <callee>"));
            Assert.That(call.GetProperty("terms").GetProperty("L").GetString(), Is.EqualTo("0x30000"));
            Assert.That(slot.GetProperty("instruction_before").GetString(), Does.StartWith(".word word").And.EndsWith("(GOT_PREL)"));
            Assert.That(slot.GetProperty("instruction_after").GetString(), Does.Match("^\\.word 0x[0-9a-f]{8}$"));
            Assert.That(slot.GetProperty("slot").GetProperty("symbol").GetString(), Is.EqualTo("word"));
        }
    }

    [Test]
    public void ColorsOnATerminalOnly()
    {
        string command = $"dotnet {ElfloadCommand.Tool} explain {string.Join(' ', Calls)} --symbol callee";

        Assert.That(Command.Check("script", ["-qec", command, "/dev/null"]), Does.Contain("\e[36mR_X86_64_PLT32\e[0m"));
        Assert.That(Command.Check("script", ["-qec", $"{command} --no-color", "/dev/null"]), Does.Not.Contain("\e[3"));
        Assert.That(ElfloadCommand.Invoke(["explain", .. Calls]).Output, Does.Not.Contain("\e"));
    }

    [Test]
    public void GivesErrorsAsTheOtherCommandsDo()
    {
        CommandResult undefined = ElfloadCommand.Invoke("explain", "--json", Fixtures.Object("calls"));
        CommandResult wrong = ElfloadCommand.Invoke([.. (string[])["explain", "--map", "-", "--json"], .. Calls]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(undefined.Status, Is.EqualTo(1));
            Assert.That(
                JsonDocument.Parse(undefined.Output).RootElement.GetProperty("errors").EnumerateArray()
                    .Select(error => error.GetProperty("code").GetString()),
                Has.All.EqualTo("undefined"));
            Assert.That(wrong.Status, Is.EqualTo(2));
            Assert.That(wrong.Error, Does.Contain("--map and --json"));
        }
    }

    private static bool Admits(JsonElement patch, string[] filters) => filters.Chunk(2).GroupBy(pair => pair[0]).All(group =>
    {
        string name = patch.TryGetProperty(group.Key is "--type" ? "relocation" : group.Key[2..], out JsonElement value)
            ? value.GetString()!
            : "";
        return group.Any(pair => Regex.IsMatch(name, $"^{Pattern(pair[1])}$"));
    });

    private static string Pattern(string text) => Regex.Escape(text)
        .Replace(@"\*", ".*", StringComparison.Ordinal).Replace(@"\?", ".", StringComparison.Ordinal);

    private static JsonElement[] Json(IEnumerable<string> arguments)
    {
        CommandResult result = ElfloadCommand.Invoke(["explain", "--json", .. arguments]);
        Assert.That(result.Status, Is.Zero, result.Error);
        return
        [
            .. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement),
        ];
    }

    private static ulong Number(JsonElement patch, string name) =>
        ulong.Parse(patch.GetProperty(name).GetString()![2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>Mnemonics of .text by address.</summary>
    private static Dictionary<string, string> Mnemonics(string program, string path) =>
        (from line in Command.Check(program, ["-d", "-w", "-M", "intel", "-j", ".text", path]).Split('\n')
         let fields = line.Split('\t')
         where fields.Length >= 3 && fields[0].EndsWith(':')
         select (fields[0].Trim().TrimEnd(':'), MnemonicOf(fields[2]))).DistinctBy(entry => entry.Item1).ToDictionary();

    /// <summary>What holds a place: the last instruction at or before it.</summary>
    private static string Holding(Dictionary<string, string> instructions, ulong place)
    {
        for (ulong address = place; address + 16 > place; address--)
        {
            if (instructions.TryGetValue(address.ToString("x", CultureInfo.InvariantCulture), out string? mnemonic))
            {
                return mnemonic;
            }
        }

        return "";
    }

    /// <summary>Without prefixes, which the two disassemblers spell differently.</summary>
    private static string MnemonicOf(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .First(word => word is not ("addr32" or "data16" or "rex.W" or "notrack" or "bnd" or "rex"));
}
