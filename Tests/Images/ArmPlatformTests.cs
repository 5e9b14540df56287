using ElfLoader.Arch.Arm;
using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Images;

/// <summary>What images for ARM do where the platform is not Linux as usual: bare metal, one static base, secure code.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ArmPlatformTests
{
    private const string Linux = "armv7-linux-gnueabihf";
    private const string SmallEnumerations = ".eabi_attribute 26, 1\n"; // Tag_ABI_enum_size
    private const string LargeEnumerations = ".eabi_attribute 26, 2\n";

    /// <summary>
    /// The type of an exception is found through a slot on Linux, at a distance on bare metal (libgcc's unwind-arm-common.h,
    /// _Unwind_decode_typeinfo_ptr): the object that reads the tables counts; where there is none, all.
    /// </summary>
    [TestCase(Linux, "", Linux, "", false)]
    [TestCase("thumbv7m-none-eabi", ".eabi_attribute 6, 10\n.eabi_attribute 7, 77\n", "thumbv7m-none-eabi", "", true, Description = "no Linux on these processors")]
    [TestCase("armv7r-none-eabi", ".eabi_attribute 6, 10\n.eabi_attribute 7, 82\n", "armv7r-none-eabi", "", true)]
    [TestCase("armv7a-none-eabi", SmallEnumerations, "armv7a-none-eabi", SmallEnumerations, true)]
    [TestCase("armv7a-none-eabi", LargeEnumerations, "armv7a-none-eabi", SmallEnumerations, true)]
    [TestCase(Linux, SmallEnumerations, Linux, LargeEnumerations, true)]
    [TestCase(Linux, SmallEnumerations, Linux, LargeEnumerations + Personality, false)]
    [TestCase(Linux, LargeEnumerations, Linux, SmallEnumerations + Personality, true)]
    public void TypesOfExceptionsAreFoundAsThePlatformFindsThem(
        string firstTriple, string first, string secondTriple, string second, bool isBareMetal)
    {
        LinkedImage image = new ImageLinker().Link(
        [
            Assembler.Object(firstTriple, first + ".data\n.globl place\nplace: .long type(TARGET2)\n.globl type\ntype: .long 7\n", "a.o"),
            Assembler.Object(secondTriple, second + ".data\n.long 0", "b.o"),
        ]);
        uint place = Address(image, "place");
        uint found = place + Word(image, place);

        Assert.That(isBareMetal ? found : Word(image, found), Is.EqualTo(Address(image, "type")));
        Assert.That(image.Got, Has.Count.EqualTo(isBareMetal ? 0 : 1));
    }

    /// <summary>
    /// clang writes the same attributes for Linux and bare metal: where nothing tells that a program is for Linux, a warning says
    /// what was chosen. What starts programs there is glibc's or musl's __libc_start_main.
    /// </summary>
    [TestCase(LargeEnumerations + Personality, "", "b.o, which reads such tables, does not say that it is for bare metal, but the program has no start of Linux' C library")]
    [TestCase(LargeEnumerations + Personality, SmallEnumerations, "but a.o does;")]
    [TestCase(LargeEnumerations + Personality + Start, "", null)]
    [TestCase(LargeEnumerations, "", null, Description = "nothing can be thrown")]
    [TestCase(SmallEnumerations + Personality, LargeEnumerations, null)]
    public void ADoubtfulPlatformIsWarnedOf(string unwinder, string other, string? warning)
    {
        ElfObject[] objects =
        [
            Assembler.Object(Linux, other + ".data\ntype: .long type(TARGET2)\n", "a.o"),
            Assembler.Object(Linux, unwinder, "b.o"),
        ];
        string[] found = [.. Warnings(objects, null)];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found, Has.Length.EqualTo(warning is null ? 0 : 1));
            Assert.That(found, warning is null ? Is.Empty : Has.All.Contains(warning).And.All.Contains("a.o has R_ARM_TARGET2").And.All.Contains("--target2=rel"));
            Assert.That(Warnings(objects, Target2Meaning.GotRelative), Is.Empty, "somebody who has chosen knows");
        }

        static IEnumerable<string> Warnings(ElfObject[] objects, Target2Meaning? target2) =>
            new ImageLinker(new ImageOptions { Arm = new ArmOptions { Target2 = target2 } }).Link(objects).Warnings
                .Where(text => text.Contains("TARGET2", StringComparison.Ordinal));
    }

    /// <summary>One register has the base of all variables, so that all count from one place.</summary>
    [TestCase(".data", ".data")]
    [TestCase(".bss", ".bss")]
    [TestCase(".data", ".section .data.rel.ro, \"aw\", %progbits")]
    [TestCase(".section .data.rel.ro, \"aw\", %progbits", ".section .data.rel.ro, \"aw\", %progbits")]
    public void VariablesHaveOneStaticBase(string first, string second)
    {
        string zeros = first is ".bss" ? ".space 8" : ".long 1, 2";
        LinkedImage image = new ImageLinker().Link(
        [
            Assembler.Arm($"""
                .globl _start
                _start: .long one(SBREL), two(SBREL), __static_base
                {first}
                .globl one, two
                one: {zeros}
                {second}
                two: {zeros}
                """),
        ]);
        uint start = (uint)image.Entry;
        uint origin = Word(image, start + 8);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(origin, Is.EqualTo(Address(image, "one")), "the first of the variables");
            Assert.That(origin + Word(image, start), Is.EqualTo(Address(image, "one")));
            Assert.That(origin + Word(image, start + 4), Is.EqualTo(Address(image, "two")));
        }
    }

    /// <summary>clang's -frwpi: all variables are addressed relative to r9, which start code has set.</summary>
    [TestCase("armv7-none-linux-gnueabi")]
    [TestCase("armv7-none-linux-gnueabi -mthumb")]
    [TestCase("armv6-none-linux-gnueabi")]
    [Platform("Linux")]
    public void PositionIndependentDataIsFound(string target)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("a.c"),
            """
            int numbers[100], first = 1;
            extern int elsewhere;
            int add(int);
            static int started;
            __attribute__((constructor)) static void start(void) { started = 30; numbers[99] = 4; }
            int main(void) { first += 2; return add(first) + started + elsewhere + numbers[99]; }

            """);
        File.WriteAllText(folder.File("b.c"), "extern int numbers[]; int elsewhere = 5; int add(int n) { elsewhere *= 2; return n + numbers[99]; }\n");
        Command.Check(
            "clang-19",
            [.. $"--target={target} -O1 -fno-pic -frwpi -ffreestanding -c a.c b.c".Split(' ')],
            folder.Path);
        string runner = folder.File("runner");
        string image = folder.File("image");
        File.WriteAllText(runner, $"#!/bin/sh\ncp \"$1\" {image}\nexec qemu-arm \"$@\"\n");
        Command.Check("chmod", ["+x", runner]);

        CommandResult result = ElfloadCommand.Invoke("run", "--runner", runner, folder.File("a.o"), folder.File("b.o"));

        Assert.That(result, Is.EqualTo(new CommandResult(3 + 4 + 30 + 10 + 4, "", "")));
        CheckedImages.Check(File.ReadAllBytes(image));
    }

    [Test]
    [Platform("Linux")]
    public void EntriesOfSecureCodeAreRefusedByName()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("a.c"), "int __attribute__((cmse_nonsecure_entry)) open_door(int key) { return key; }\nvoid _start(void) { }\n");
        Command.Check("clang-19", ["--target=thumbv8m.main-none-eabi", "-mcmse", "-O1", "-c", "a.c"], folder.Path);

        CommandResult result = ElfloadCommand.Invoke("link", folder.File("a.o"), "-o", folder.File("a"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(1));
            Assert.That(result.Error, Does.Contain("'open_door'").And.Contain("secure gateway"));
            Assert.That(File.Exists(folder.File("a")), Is.False);
        }
    }

    private const string Personality = ".globl __gxx_personality_v0\n.text\n__gxx_personality_v0: nop\n";

    private const string Start = ".globl __libc_start_main\n.text\n__libc_start_main: nop\n";

    private static uint Address(LinkedImage image, string name) =>
        (uint)image.Symbols.Single(symbol => symbol.Name == name).Address;

    private static uint Word(LinkedImage image, uint address)
    {
        byte[] word = new byte[4];
        Assert.That(image.TryRead(address, word), Is.True);
        return BitConverter.ToUInt32(word);
    }
}
