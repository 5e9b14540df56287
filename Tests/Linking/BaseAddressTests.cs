using System.Buffers.Binary;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;
using ElfLoader.Tests.Tools;

namespace ElfLoader.Tests.Linking;

/// <summary>An image may lie at any multiple of four bytes, and is as a loader without pages expects it.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class BaseAddressTests
{
    private const string Bare = """
        const int table[4] = { 1, 2, 3, 4 };
        int counter = 5;
        int zeros[8];
        int reset(int i) { return table[i & 3] + counter++ + zeros[i & 7]; }
        """;

    private const string Program = """
        static int count = 40;
        void _start(void)
        {
            register int number __asm__("r7") = 248, status __asm__("r0") = ++count;
            __asm__ volatile("svc #0" : : "r"(number), "r"(status));
        }
        """;

    [Test]
    public void SegmentsLieWhereTheyShould(
        [Values("armv7m-none-eabi", "x86_64-linux-gnu")] string target,
        [Values(0x4UL, 0x100UL, 0x8000UL, 0x0800_4000UL, 0x0040_1230UL)] ulong address)
    {
        using var programs = new ToolPrograms();
        string input = programs.Compile("bare", Bare, "-ffreestanding", "-fno-pic", $"--target={target}");
        string image = programs.Path("image");

        CommandResult linked = ElfloadCommand.Invoke(
            "link", input, "-o", image, "--base", $"0x{address:x}", "--entry", "reset");

        Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
        List<(ulong Offset, ulong Address, ulong Alignment)> loads = Loads(image);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(loads[0].Address, Is.EqualTo(address));
            foreach ((ulong offset, ulong start, ulong alignment) in loads)
            {
                // gABI, "Program Header": p_vaddr and p_offset are congruent, modulo p_align, a power of two.
                Assert.That(ulong.IsPow2(alignment), $"0x{alignment:x}");
                Assert.That(offset % alignment, Is.EqualTo(start % alignment), $"0x{start:x}");
            }

            // The words of the table are where the symbol table says, in the memory that segments make.
            byte[] bytes = File.ReadAllBytes(image);
            string line = Command.Check("nm", [image]).Split('\n').Single(line => line.EndsWith(" table", StringComparison.Ordinal));
            ulong table = Convert.ToUInt64(line.Split(' ')[0], 16);
            (ulong fileOffset, ulong first, _) = loads.FindLast(load => load.Address <= table);
            Assert.That(
                BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan((int)(fileOffset + table - first) + 8)), Is.EqualTo(3));
        }

        foreach (string tool in (string[])["readelf", "llvm-readelf-19"])
        {
            CommandResult read = Command.Run(tool, ["-a", "-W", image]);
            Assert.That((read.Status, read.Error), Is.EqualTo((0, "")), tool);
        }
    }

    [TestCase("0x8000")]
    [TestCase("0x8004000")]
    [TestCase("0x21000")]
    public void ASystemWithPagesRunsWhatFitsThem(string address)
    {
        using var programs = new ToolPrograms();
        string input = programs.Compile("paged", Program, "-ffreestanding", "-fno-pic", "--target=armv7-linux-gnueabihf");
        string image = programs.Path("image");

        CommandResult linked = ElfloadCommand.Invoke("link", input, "-o", image, "--base", address);

        Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
        Assert.That(Command.Run("qemu-arm", [image]), Is.EqualTo(new CommandResult(41, "", "")));
    }

    [TestCase("0x8001")]
    [TestCase("0x8002")]
    public void OtherAddressesAreRefused(string address)
    {
        using var programs = new ToolPrograms();
        string input = programs.Compile("bare", Bare, "-ffreestanding");

        CommandResult result = ElfloadCommand.Invoke(
            "link", input, "-o", programs.Path("image"), "--base", address, "--entry", "reset");

        Assert.That(result, Is.EqualTo(new CommandResult(
            2, "", $"elfload: error: the base address {address} is not a multiple of 4\n")));
    }

    /// <summary>The file header and the program headers end within the address space, too.</summary>
    [TestCase("x86_64-linux-gnu", 0xffff_ffff_ffff_fffcUL)]
    [TestCase("x86_64-linux-gnu", 0xffff_ffff_ffff_f000UL)]
    [TestCase("armv7-none-eabi", 0xffff_fffcUL)]
    [TestCase("armv7-none-eabi", 0xffff_0000UL)]
    [TestCase("armv7-none-eabi", 0x1_0000_0000UL)]
    [TestCase("armv7-none-eabi", 0xffff_ffff_ffff_fffcUL)]
    public void WhatDoesNotFitAtTheEndIsRefused(string triple, ulong address)
    {
        LinkException? refused = Assert.Throws<LinkException>(
            () => new ImageLinker(new ImageOptions { Base = address }).Link([Assembler.Object(triple, ".data\n.space 0x10000\n", "a.o")]));

        Assert.That(refused!.Errors[0].Code, Is.EqualTo(LinkErrorCode.LimitExceeded));
    }

    /// <summary>The PT_LOAD headers, as <c>readelf</c> reads them.</summary>
    private static List<(ulong Offset, ulong Address, ulong Alignment)> Loads(string image) =>
    [
        .. from line in Command.Check("readelf", ["-l", "-W", image]).Split('\n')
           let words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
           where words is ["LOAD", ..]
           select (Number(words[1]), Number(words[2]), Number(words[^1])),
    ];

    private static ulong Number(string text) => Convert.ToUInt64(text, 16);
}
