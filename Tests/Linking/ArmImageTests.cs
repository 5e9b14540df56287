using System.Buffers.Binary;
using ElfLoader.Arch.Arm;
using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>What images of Arm have beside relocated code: tables, slots, symbols, and the platform's choices.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ArmImageTests
{
    private const uint CantUnwind = 1;

    /// <summary>Functions with and without unwind tables, of which the section order is not that of the addresses.</summary>
    private const string Functions = """
        .syntax unified
        .section .text.late,"ax",%progbits
        .globl late
        .type late,%function
        late: .fnstart
        bx lr
        .cantunwind
        .fnend
        .section .text.silent,"ax",%progbits
        .type silent,%function
        silent: bx lr
        .text
        .globl _start
        .type _start,%function
        _start: .fnstart
        .save {r4, lr}
        push {r4, lr}
        bl late
        pop {r4, pc}
        .fnend
        """;

    [Test]
    public void TheExceptionIndexIsInTheOrderOfAddressesAndCoversAllCode()
    {
        LinkedImage image = new ImageLinker(new ImageOptions
        {
            Definitions = Symbols("__aeabi_unwind_cpp_pr0"),
            MapSections = [new SectionMapping("a.o", ".text.late", null, 0x30_0000)],
        }).Link([Assembler.Arm(Functions), Assembler.Arm(Functions.Replace("late", "last", StringComparison.Ordinal)
            .Replace("_start", "other", StringComparison.Ordinal), "b.o")]);

        (uint start, uint end) = Range(image);
        List<(uint Function, uint What)> entries = [];
        for (uint place = start; place < end; place += 8)
        {
            uint distance = Word(image, place);
            entries.Add((place + (uint)((int)(distance << 1) >> 1), Word(image, place + 4)));
        }

        uint Address(string section, string file) => (uint)image.Sections.Single(
            input => input.Section == section && input.Object == file).Address;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(entries.Select(entry => entry.Function), Is.Ordered);
            Assert.That(entries, Does.Contain((Address(".text.silent", "a.o"), CantUnwind)));
            Assert.That(entries, Does.Contain((Address(".text.late", "a.o"), CantUnwind)));
            Assert.That(entries.Single(entry => entry.Function == Address(".text", "b.o")).What, Is.Not.EqualTo(CantUnwind));
            Assert.That(entries[^1], Is.EqualTo((Address(".text.late", "a.o") + 4, CantUnwind)), "after all code");
        }
    }

    [Test]
    public void CodeWithoutTablesHasNoExceptionIndex()
    {
        LinkedImage image = Link(".globl _start\n_start: ldr r0, =__exidx_start\n ldr r1, =__exidx_end\n bx lr\n");

        (uint start, uint end) = (Word(image, (uint)image.Entry + 12), Word(image, (uint)image.Entry + 16));
        Assert.That(start, Is.EqualTo(end));
    }

    /// <summary>Bit 0 of what is stored says Thumb; the table of symbols has it too, and the map tells it apart.</summary>
    [Test]
    public void AddressesOfThumbFunctionsHaveBit0Set()
    {
        LinkedImage image = Link("""
            .syntax unified
            .thumb
            .globl _start
            .type _start,%function
            _start: nop
            .type f,%function
            f: bx lr
            label: nop
            .data
            .globl data
            data: .long f, label, f(GOT_PREL)
            """);

        uint data = Address(image, "data");
        uint f = Address(image, "f");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(image.Entry % 2, Is.EqualTo(1));
            Assert.That(f % 2, Is.Zero);
            Assert.That(image.Symbols.Single(symbol => symbol.Name is "f").IsThumb, Is.True);
            Assert.That(Word(image, data), Is.EqualTo(f | 1));
            Assert.That(Word(image, data + 4), Is.EqualTo(f + 2), "a label is no function");
            Assert.That(Word(image, data + 8 + Word(image, data + 8)), Is.EqualTo(f | 1), "the slot");
        }
    }

    [TestCase(Target1Meaning.Absolute)]
    [TestCase(Target1Meaning.Relative)]
    public void Target1IsWhatThePlatformSays(Target1Meaning meaning)
    {
        LinkedImage image = Link(".globl _start\n_start: .long _start(TARGET1)", new ArmOptions { Target1 = meaning });

        Assert.That(Word(image, (uint)image.Entry), Is.EqualTo(meaning is Target1Meaning.Absolute ? (uint)image.Entry : 0));
    }

    [TestCase(Target2Meaning.Absolute)]
    [TestCase(Target2Meaning.Relative)]
    [TestCase(Target2Meaning.GotRelative)]
    public void Target2IsWhatThePlatformSays(Target2Meaning meaning)
    {
        LinkedImage image = Link(".globl _start\n_start: .long _start(TARGET2)", new ArmOptions { Target2 = meaning });

        uint word = Word(image, (uint)image.Entry);
        uint expected = (uint)image.Entry;
        Assert.That(meaning switch
        {
            Target2Meaning.Absolute => word,
            Target2Meaning.Relative => word + expected,
            _ => Word(image, word + expected),
        }, Is.EqualTo(expected));
    }

    /// <summary>AAELF32, "Static Arm relocations": mov pc, rN for bx rN, where the processor has no BX.</summary>
    [TestCase(false, 0xe12fff13u)]
    [TestCase(true, 0xe1a0f003u)]
    public void BxIsRewrittenWhereWanted(bool rewrites, uint instruction)
    {
        LinkedImage image = Link(
            ".arch armv4\n.globl _start\n_start: .reloc 0, R_ARM_V4BX\n .inst 0xe12fff13", new ArmOptions { RewritesBx = rewrites });

        Assert.That(Word(image, (uint)image.Entry), Is.EqualTo(instruction));
    }

    /// <summary>The origin of a segment is its first section (AAELF32, B(S)).</summary>
    [TestCase(null)]
    [TestCase(0x1_2340UL)]
    public void TheStaticBaseIsTheSegmentsOrWhatIsAskedFor(ulong? wanted)
    {
        ElfObject elf = Assembler.Arm("""
            .globl _start
            _start: .reloc ., R_ARM_SBREL32, variable
            .long 0
            .data
            .long 0
            .globl variable
            variable: .long 1
            """);
        LinkedImage image = new ImageLinker(new ImageOptions { StaticBase = wanted }).Link([elf]);

        uint variable = Address(image, "variable");
        Assert.That(Word(image, (uint)image.Entry), Is.EqualTo(variable - (uint)(wanted ?? variable - 4)));
    }

    [TestCase(GotOrigin.Object)]
    [TestCase(GotOrigin.Image)]
    public void OffsetsInTheGotCountFromTheChosenOrigin(GotOrigin origin)
    {
        const string source = """
            .globl NAME
            NAME: .long x(GOT), x(GOTOFF)
            .reloc ., R_ARM_BASE_PREL, _GLOBAL_OFFSET_TABLE_
            .long 0
            """;
        LinkedImage image = new ImageLinker(new ImageOptions { GotOrigin = origin, Definitions = Symbols("x", 0x1234) }).Link(
        [
            Assembler.Arm(source.Replace("NAME", "_start", StringComparison.Ordinal)),
            Assembler.Arm(source.Replace("NAME", "second", StringComparison.Ordinal), "b.o"),
        ]);

        uint[] origins = [.. ((string[])["_start", "second"]).Select(name =>
        {
            uint place = Address(image, name);
            uint got = place + 8 + Word(image, place + 8);
            Assert.That(Word(image, got + Word(image, place)), Is.EqualTo(0x1234), "the slot");
            Assert.That(got + Word(image, place + 4), Is.EqualTo(0x1234), "GOTOFF");
            return got;
        })];
        Assert.That(origins[0] == origins[1], Is.EqualTo(origin is GotOrigin.Image));
    }

    /// <summary>
    /// TLS descriptors: {argument, resolver}, called through code that the linker supplies, from A32 and Thumb
    /// (GNU's "Thread-Local Storage Descriptors for ARM").
    /// </summary>
    [TestCase(".arm")]
    [TestCase(".thumb")]
    public void ThreadLocalDescriptorsGiveTheDistanceFromTheThreadPointer(string instructionSet)
    {
        LinkedImage image = Link($"""
            .syntax unified
            .arch armv7-a
            .text
            {instructionSet}
            .globl _start
            .type _start,%function
            _start: ldr r0, 1f
            2: bl variable(tlscall)
            mov r7, #1
            svc 0
            .p2align 2
            1: .word variable(tlsdesc) + (. - 2b){(instructionSet is ".thumb" ? " + 1" : "")}
            .section .tdata,"awT",%progbits
            .long 0
            .globl variable
            .type variable,%object
            variable: .long 7
            """);
        using var folder = new TemporaryFolder();
        string file = folder.File("image");
        using (FileStream stream = File.Create(file))
        {
            image.WriteExecutable(stream);
        }

        if (OperatingSystem.IsLinux())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        Assert.That(Command.Run("qemu-arm", [file]).Status, Is.EqualTo(8 + 4), "control block, and the first variable");
    }

    /// <summary>Code and data of what the linker adds can be told apart by disassemblers.</summary>
    [Test]
    public void VeneersHaveMappingSymbols()
    {
        ElfObject elf = Assembler.Object(
            "armv5te-linux-gnueabi", ".arch armv5te\n.thumb\n.globl _start\n.type _start,%function\n_start: bl far\nbl far\n", "a.o");
        LinkedImage image = new ImageLinker(new ImageOptions { Definitions = Symbols("far", 0x7000_0000) }).Link([elf]);
        using var folder = new TemporaryFolder();
        string file = folder.File("image");
        using (FileStream stream = File.Create(file))
        {
            image.WriteExecutable(stream);
        }

        string[] symbols = [.. Command.Check("llvm-nm-14", ["--special-syms", "-n", file]).Split('\n')];
        uint stub = (uint)image.Stubs.Single().Address;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(symbols, Does.Contain($"{stub:x8} t $t"));
            Assert.That(symbols, Does.Contain($"{stub + 4:x8} t $a"));
            Assert.That(symbols, Does.Contain($"{stub + 8:x8} t $d"));
            Assert.That(symbols, Does.Contain($"{stub:x8} t __far_veneer"));
        }
    }

    [TestCase("armebv7-linux-gnueabihf")]
    public void BigEndianObjectsAreRefusedInOneSentence(string triple)
    {
        LinkException? exception = Assert.Throws<LinkException>(() => Assembler.Object(triple, "nop", "big.o"));

        Assert.That(exception!.Message, Does.StartWith("big.o: ").And.Contains("big-endian"));
        Assert.That(exception.Errors, Has.Count.EqualTo(1));
    }

    private static LinkedImage Link(string source, ArmOptions? options = null) =>
        new ImageLinker(new ImageOptions { Arm = options ?? new() }).Link([Assembler.Arm(source)]);

    private static Dictionary<string, DefinedSymbol> Symbols(string name, uint address = 0x8000) =>
        new() { [name] = new(address) };

    private static uint Address(LinkedImage image, string name) =>
        (uint)image.Symbols.Single(symbol => symbol.Name == name).Address;

    private static uint Word(LinkedImage image, uint address)
    {
        byte[] word = new byte[4];
        Assert.That(image.TryRead(address, word), Is.True, $"0x{address:x}");
        return BinaryPrimitives.ReadUInt32LittleEndian(word);
    }

    private static (uint Start, uint End) Range(LinkedImage image)
    {
        using var stream = new MemoryStream();
        image.WriteExecutable(stream);
        byte[] file = stream.ToArray();
        uint headers = BitConverter.ToUInt32(file, 28);
        for (int i = 0; i < BitConverter.ToUInt16(file, 44); i++)
        {
            int header = (int)headers + (32 * i);
            if (BitConverter.ToUInt32(file, header) is ElfConstants.PT_ARM_EXIDX)
            {
                uint start = BitConverter.ToUInt32(file, header + 8);
                return (start, start + BitConverter.ToUInt32(file, header + 20));
            }
        }

        throw new AssertionException("there is no PT_ARM_EXIDX");
    }
}
