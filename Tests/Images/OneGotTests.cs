using System.Text.Json;
using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Images;

/// <summary>An image has one global offset table, unless each object is to have its own.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class OneGotTests
{
    private static readonly string[] Names = ["a.o", "b.o"];

    [Test]
    public void ObjectsShareTheSlotsOfAnImage([Values] bool isArm)
    {
        LinkedImage image = new ImageLinker().Link(Objects(isArm));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(image.GotTables.Select(table => table.Object), Is.EqualTo(Names));
            Assert.That(image.GotTables.Select(table => table.Address).Distinct().Count(), Is.EqualTo(1));
            Assert.That(SlotOf(image, "a.o", "shared"), Is.EqualTo(SlotOf(image, "b.o", "shared")));
            Assert.That(SlotOf(image, "a.o", "local"), Is.Not.EqualTo(SlotOf(image, "b.o", "local")));
            Assert.That(image.Got.Select(slot => slot.Address).Distinct().Count(), Is.EqualTo(3));
            foreach (ImageGotSlot slot in image.Got)
            {
                byte[] word = new byte[isArm ? 4 : 8];
                Assert.That(image.TryRead(slot.Address, word), Is.True);
                Assert.That(
                    image.Symbols.Where(symbol => symbol.Name == slot.Symbol).Select(symbol => symbol.Address),
                    Has.Some.EqualTo(isArm ? BitConverter.ToUInt32(word) : BitConverter.ToUInt64(word)),
                    slot.ToString());
            }
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public void ObjectsMayHaveTheirOwn(bool isChosen)
    {
        SectionMapping[] mappings = isChosen ? [] : [SectionMapping.Parse("b.o,.got=0x7654000")];
        ImageOptions options = isChosen ? new ImageOptions { GotOrigin = GotOrigin.Object } : new ImageOptions { MapSections = mappings };
        LinkedImage image = new ImageLinker(options).Link(Objects(isArm: true));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(image.GotTables.Select(table => table.Address).Distinct().Count(), Is.EqualTo(2));
            Assert.That(SlotOf(image, "a.o", "shared"), Is.Not.EqualTo(SlotOf(image, "b.o", "shared")));
            Assert.That(image.GotTables[1].Address, isChosen ? Is.Not.Zero : Is.EqualTo(0x765_4000));
        }
    }

    [Test]
    public void OneTableHasNoPartsToPlace()
    {
        var options = new ImageOptions { GotOrigin = GotOrigin.Image, MapSections = [SectionMapping.Parse("b.o,.got=0x7654000")] };

        Assert.That(
            () => new ImageLinker(options).Link(Objects(isArm: true)),
            Throws.TypeOf<ImageOptionException>().With.Message.Contains("b.o,.got"));
    }

    /// <summary>What each command makes of two objects that want a slot for the same symbol.</summary>
    [TestCase(1, "link", "-o", "OUTPUT")]
    [TestCase(2, "link", "-o", "OUTPUT", "--got-origin=object")]
    [TestCase(2, "link", "-o", "OUTPUT", "--map-section", "a.o,.got=0x7654000")]
    [TestCase(2, "verify")]
    [TestCase(1, "verify", "--got-origin=image")]
    [TestCase(2, "explain")]
    [TestCase(1, "explain", "--got-origin=image")]
    [TestCase(2, "report", "-o", "OUTPUT")]
    public void CommandsHaveTheirUsualTables(int tables, string command, params string[] options)
    {
        using var folder = new TemporaryFolder();
        foreach (ElfObject elf in Objects(isArm: true))
        {
            File.WriteAllBytes(folder.File(elf.Name), elf.Bytes.ToArray());
        }

        CommandResult result = ElfloadCommand.Invoke(
            [command, .. Names.Select(folder.File), "--map", folder.File("map"),
                .. options.Select(option => option is "OUTPUT" ? folder.File("output") : option)]);

        Assert.That(result.Status, Is.Zero, result.Error);
        using JsonDocument map = JsonDocument.Parse(File.ReadAllText(folder.File("map")));
        Assert.That(
            map.RootElement.GetProperty("got").EnumerateArray()
                .Where(slot => slot.GetProperty("symbol").GetString() is "shared")
                .Select(slot => slot.GetProperty("address").GetString())
                .Distinct().Count(),
            Is.EqualTo(tables));
    }

    /// <summary>
    /// gcc's -msingle-pic-base: r9 has the address of the table for good, and each object's code counts from it.
    /// </summary>
    [TestCase("-marm")]
    [TestCase("-mthumb")]
    [Platform("Linux")]
    public void CodeThatKeepsTheTableInARegisterRuns(string instructions)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("a.c"),
            """
            extern int first, second, third;
            int other(int), more;
            int main(void) { more = 5; return other(first) + second + third; }

            """);
        File.WriteAllText(
            folder.File("b.c"),
            """
            int second = 20, first = 1, third = 3;
            extern int more;
            int other(int number) { second += more; third *= 2; return number + more; }

            """);
        File.WriteAllText(
            folder.File("start.s"),
            """
            .syntax unified
            .globl _start
            .type _start, %function
            _start: ldr r9, distance
            origin: add r9, pc, r9
                bl main
                mov r7, #1
                svc #0
            distance: .word _GLOBAL_OFFSET_TABLE_ - (origin + 8)

            """);
        Command.Check(
            "arm-linux-gnueabihf-gcc-12",
            ["-O1", instructions, "-fpic", "-msingle-pic-base", "-mpic-register=r9", "-c", "a.c", "b.c", "start.s"],
            folder.Path);

        CommandResult result = ElfloadCommand.Run(((string[])["start.o", "a.o", "b.o"]).Select(folder.File));

        Assert.That(result, Is.EqualTo(new CommandResult(1 + 5 + 25 + 6, "", "")));
    }

    private static ulong SlotOf(LinkedImage image, string file, string symbol) =>
        image.Got.Single(slot => slot.Object == file && slot.Symbol == symbol).Address;

    private static ElfObject[] Objects(bool isArm)
    {
        string use = isArm ? ".long shared(GOT), local(GOT)" : ".long shared@GOTPCREL, local@GOTPCREL";
        string local = ".data\nlocal: .long 5\n";
        string both = $".globl NAME\n.text\nNAME: {use}\n{local}";
        Func<string, string, ElfObject> assemble = isArm ? Assembler.Arm : Assembler.X64;
        return
        [
            assemble(both.Replace("NAME", "_start", StringComparison.Ordinal), "a.o"),
            assemble(both.Replace("NAME", "second", StringComparison.Ordinal) + ".globl shared\nshared: .long 6\n", "b.o"),
        ];
    }
}
