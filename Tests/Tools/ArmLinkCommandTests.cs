using System.Buffers.Binary;
using System.Text.Json;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>What <c>elfload link</c> promises about programs for ARM.</summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.Children)]
public sealed class ArmLinkCommandTests : IDisposable
{
    /// <summary>One place for each thing that the platform decides; <c>where</c> lies in the same segment.</summary>
    private const string Source = """
            .syntax unified
            .cpu cortex-a8
            .text
            .globl _start
            .type _start, %function
        _start:
            mov r0, #42
            mov r7, #1
            svc #0
            .globl leave
        leave:
            .reloc ., R_ARM_V4BX
            bx lr
            .data
            .globl where
        where:
            .word 0
            .globl target1
        target1:
            .reloc ., R_ARM_TARGET1, where
            .word 4
            .globl target2
        target2:
            .reloc ., R_ARM_TARGET2, where
            .word 0
            .globl relative
        relative:
            .reloc ., R_ARM_SBREL32, where
            .word 8
            .globl origin
        origin:
            .word _GLOBAL_OFFSET_TABLE_
            .globl slot
        slot:
            .reloc ., R_ARM_GOT_BREL, where
            .word 0
        """;

    private readonly ToolPrograms _programs = new();
    private string _object = "";

    [OneTimeSetUp]
    public void Assemble() => _object = Assemble("platform", Source);

    [Test]
    public void WritesAProgramThatRuns()
    {
        string image = _programs.Path("program");

        CommandResult linked = ElfloadCommand.Invoke("link", _object, "-o", image, "--json");

        using JsonDocument report = JsonDocument.Parse(linked.Output);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(linked.Status, Is.Zero, linked.Error);
            Assert.That(report.RootElement.GetProperty("machine").GetString(), Is.EqualTo("arm"));
            Assert.That(Command.Run("qemu-arm", [image]).Status, Is.EqualTo(42));
            Assert.That(
                Command.Check("arm-linux-gnueabihf-readelf", ["-lW", image]),
                Does.Match("LOAD +0x000000 0x00010000 0x00010000"), "the headers are at the default base");
        }
    }

    [TestCase("", 0)]
    [TestCase("--target1-abs", 0)]
    [TestCase("--target1-rel", 1)]
    public void Target1(string option, int isRelative)
    {
        string image = Link(option);

        Assert.That(
            Word(image, "target1"),
            Is.EqualTo(Address(image, "where") + 4 - (isRelative is 1 ? Address(image, "target1") : 0)));
    }

    [TestCase("")]
    [TestCase("--target2=got-rel")]
    [TestCase("--target2=rel")]
    [TestCase("--target2=abs")]
    public void Target2(string option)
    {
        string image = Link(option);
        uint found = Word(image, "target2");

        uint where = Address(image, "where");
        if (option is "" or "--target2=got-rel")
        {
            Assert.That(Word(image, found + Address(image, "target2")), Is.EqualTo(where), "the slot");
        }
        else
        {
            Assert.That(found, Is.EqualTo(where - (option is "--target2=rel" ? Address(image, "target2") : 0)));
        }
    }

    [TestCase("", "1eff2fe1")]
    [TestCase("--fix-v4bx", "0ef0a0e1")] // mov pc, lr
    public void V4Bx(string option, string instruction)
    {
        string image = Link(option);

        Assert.That(Read(image, Address(image, "leave"), 4), Is.EqualTo(instruction));
    }

    [Test]
    public void StaticBase()
    {
        string image = Link("--static-base=0x12345");

        Assert.That(Word(image, "relative"), Is.EqualTo(unchecked(Address(image, "where") + 8 - 0x12345)));
    }

    /// <summary>Two objects, of which the second asks for its slot.</summary>
    [TestCase("")]
    [TestCase("--got-origin=object")]
    [TestCase("--got-origin=image")]
    public void GotOrigin(string option)
    {
        string first = Assemble("first", ".data\n.globl other\nother:\n.reloc ., R_ARM_GOT_BREL, other\n.word 0\n");
        string image = Link(option, first);

        uint slot = unchecked(Word(image, "slot") + Word(image, "origin")); // GOT(S) + A - GOT_ORG

        Assert.That(Word(image, slot), Is.EqualTo(Address(image, "where")));
    }

    [TestCase("", "thumb-movw|arm-movw")]
    [TestCase("--pic-veneer", "pic")]
    public void Veneers(string option, string kind)
    {
        string caller = Assemble("caller", ".globl _start\n.type _start, %function\n_start: bl distant\n");
        string map = _programs.Path($"map{option}");
        string image = _programs.Path($"veneer{option}");

        CommandResult linked = ElfloadCommand.Invoke(
            ["link", caller, "-o", image, "--define", "distant=0x40000000:thumb", "--map", map,
                .. option.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(map));
        JsonElement stub = document.RootElement.GetProperty("stubs").EnumerateArray().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(stub.GetProperty("symbol").GetString(), Is.EqualTo("distant"));
            Assert.That(stub.GetProperty("target").GetString(), Is.EqualTo("0x40000001"));
            Assert.That(stub.GetProperty("kind").GetString(), Does.Match(kind));
        }
    }

    [TestCase(1, "big-endian", "-EB")]
    [TestCase(2, "--target2", "--target2=what")]
    [TestCase(2, "--static-base", "--static-base=here")]
    public void Refuses(int status, string message, string option)
    {
        string output = _programs.Path($"refused-{TestContext.CurrentContext.Test.ID}");
        string input = _object;
        string[] options = [option];
        if (option is "-EB")
        {
            input = _programs.Path("big.o");
            string source = _programs.Write("big.s", ".globl _start\n_start: bx lr\n");
            Command.Check("llvm-mc-19", ["-triple", "armebv7-none-eabi", "-filetype=obj", source, "-o", input]);
            options = [];
        }

        CommandResult result = ElfloadCommand.Invoke(["link", input, "-o", output, .. options]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(status));
            Assert.That(result.Error, Does.StartWith("elfload: error: ").And.Contain(message));
            Assert.That(File.Exists(output), Is.False);
        }
    }

    public void Dispose() => _programs.Dispose();

    private string Assemble(string name, string source)
    {
        string text = _programs.Write(name + ".s", source);
        string compiled = _programs.Path(name + ".o");
        Command.Check("clang-19", ["--target=armv7-none-linux-gnueabi", "-c", text, "-o", compiled]);
        return compiled;
    }

    private string Link(string option, params string[] first)
    {
        string image = _programs.Path($"image-{TestContext.CurrentContext.Test.ID}");
        CommandResult linked = ElfloadCommand.Invoke(
            ["link", .. first, _object, "-o", image, .. option.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
        return image;
    }

    private static uint Word(string image, string symbol) => Word(image, Address(image, symbol));

    private static uint Word(string image, uint address) =>
        BinaryPrimitives.ReadUInt32LittleEndian(Convert.FromHexString(Read(image, address, 4)));

    private static uint Address(string image, string symbol) => Command.Check("arm-linux-gnueabihf-nm", [image]).Split('\n')
        .Select(line => line.Split(' '))
        .Where(fields => fields is [_, _, string name] && name == symbol)
        .Select(fields => Convert.ToUInt32(fields[0], 16))
        .Single();

    /// <summary>Bytes of a section, as the dump of another tool shows them.</summary>
    private static string Read(string image, uint address, int size)
    {
        string dump = Command.Check(
            "arm-linux-gnueabihf-objdump", ["-s", $"--start-address=0x{address:x}", $"--stop-address=0x{address + size:x}", image]);
        string line = dump.Split('\n').Single(text => text.StartsWith($" {address:x} ", StringComparison.Ordinal));
        return line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
    }
}
