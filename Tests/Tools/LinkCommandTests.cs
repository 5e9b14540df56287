using System.Text.Json;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>What <c>elfload link</c> promises about options, statuses and files.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Children)]
public sealed class LinkCommandTests : IDisposable
{
    private const string Start = """
        static long call(long number, long a, long b, long c)
        {
            long result;
            __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
            return result;
        }
        extern int value;
        void _start(void)
        {
            call(1, 1, (long)"from the image\n", 15);
            for (;;) call(60, value, 0, 0);
        }
        """;

    private readonly ToolPrograms _programs = new();
    private string _start = "";
    private string _value = "";

    [OneTimeSetUp]
    public void Compile()
    {
        _start = _programs.Compile("start", Start, "-fno-pic");
        _value = _programs.Compile("value", "int value = 42; int other;", "-fno-pic");
    }

    [Test]
    public void WritesAProgramThatRuns()
    {
        string image = _programs.Path("program");
        File.WriteAllText(image, "not a program"); // is replaced

        CommandResult linked = ElfloadCommand.Invoke("link", _start, _value, "-o", image);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
            Assert.That(Command.Run(image, []), Is.EqualTo(new CommandResult(42, "from the image\n", "")));
            Assert.That(Command.Check("stat", ["-c", "%a", image]), Is.EqualTo("755\n"));
        }
    }

    [Test]
    public void TakesMembersOfArchives()
    {
        string image = _programs.Path("from-archive");
        string archive = _programs.Archive("libvalue.a", _value);

        CommandResult linked = ElfloadCommand.Invoke("link", archive, _start, $"--output={image}");

        Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
        Assert.That(Command.Run(image, []).Status, Is.EqualTo(42));
    }

    [Test]
    public void MapsAsTheSymbolTableSays()
    {
        string image = _programs.Path("mapped");

        CommandResult linked = ElfloadCommand.Invoke(
            "link", _start, _value, "-o", image, "--base", "0x10000", "--map-section", "value.o,.data=0x7654000",
            "--define", "extra=0x123456789abcdef0", "--map", "-");

        using JsonDocument document = JsonDocument.Parse(linked.Output);
        JsonElement map = document.RootElement;
        Dictionary<string, ulong> expected = Command.Check("nm", [image]).Split('\n')
            .Select(line => line.Split(' '))
            .Where(fields => fields.Length is 3)
            .ToDictionary(fields => fields[2], fields => Convert.ToUInt64(fields[0], 16));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(linked.Status, Is.Zero, linked.Error);
            Assert.That(expected["value"], Is.EqualTo(0x765_4000));
            foreach (JsonElement symbol in map.GetProperty("symbols").EnumerateArray())
            {
                string name = symbol.GetProperty("name").GetString()!;
                Assert.That(
                    symbol.GetProperty("address").GetString(),
                    Is.EqualTo($"0x{expected.GetValueOrDefault(name):x}"),
                    name);
            }

            Assert.That(map.GetProperty("entry").GetString(), Is.EqualTo($"0x{expected["_start"]:x}"));
            Assert.That(map.GetProperty("segments")[0].GetProperty("address").GetString(), Is.EqualTo("0x10000"));
        }
    }

    [Test]
    public void WarnsWhereThereIsNoStart()
    {
        CommandResult linked = ElfloadCommand.Invoke("link", _value, "-o", _programs.Path("no-start"), "--json");

        using JsonDocument document = JsonDocument.Parse(linked.Output);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(linked.Status, Is.Zero);
            Assert.That(linked.Error, Does.StartWith("elfload: warning: ").And.Contain("_start"));
            Assert.That(document.RootElement.GetProperty("entry").GetString(), Is.EqualTo("0x0"));
            Assert.That(document.RootElement.GetProperty("warnings").GetArrayLength(), Is.EqualTo(1));
        }
    }

    [TestCase(2, "--output", "VALUE")]
    [TestCase(2, "there is no option '--what'", "VALUE", "--what", "-o", "OUT")]
    [TestCase(2, "--base: 'here'", "VALUE", "-o", "OUT", "--base", "here")]
    [TestCase(2, "--map-section", "VALUE", "-o", "OUT", "--map-section", "value.o=1")]
    [TestCase(2, "nosuch", "VALUE", "-o", "OUT", "--map-section", "value.o,.nosuch=0x1000")]
    [TestCase(2, "cannot both", "VALUE", "-o", "OUT", "--map", "-", "--json")]
    [TestCase(1, "nothing defines the entry symbol '_start'", "VALUE", "-o", "OUT", "--entry", "_start")]
    [TestCase(1, "undefined symbol 'value'", "START", "-o", "OUT")]
    [TestCase(1, "/no/folder/out", "VALUE", "-o", "/no/folder/out")]
    [TestCase(2, "there is no command 'lnik'", "lnik")]
    public void Refuses(int status, string message, params string[] arguments)
    {
        string output = _programs.Path($"refused-{TestContext.CurrentContext.Test.ID}");
        IEnumerable<string> real = arguments.Select(argument => argument switch
        {
            "VALUE" => _value,
            "START" => _start,
            "OUT" => output,
            _ => argument,
        });

        CommandResult result = ElfloadCommand.Invoke(arguments is ["lnik"] ? real : real.Prepend("link"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(status));
            Assert.That(result.Error, Does.Contain("elfload: error: ").And.Contain(message));
            Assert.That(Path.GetDirectoryName(output), Does.Exist);
            Assert.That(Directory.EnumerateFiles(Path.GetDirectoryName(output)!, Path.GetFileName(output) + "*"), Is.Empty);
        }
    }

    public void Dispose() => _programs.Dispose();
}
