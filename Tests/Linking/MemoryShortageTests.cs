using System.Globalization;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>Where there is not enough memory, a link fails as it does for any other reason: by name, and nothing is left behind.</summary>
[Platform("Linux")]
public sealed class MemoryShortageTests
{
    /// <summary>Symbols of an object of 20 MB, which needs more than <see cref="Limit"/> to be linked.</summary>
    private const int Symbols = 600_000;

    private const string Limit = "4000000"; // hexadecimal: 64 MiB of managed memory

    [Test]
    public void ManagedMemoryThatIsUsedUp()
    {
        CommandResult result = ChildProcess.Run(TryAll, 120, ("DOTNET_GCHeapHardLimit", Limit));

        Assert.That(result.Status, Is.Zero, $"{result.Output}{result.Error}");
    }

    [Test]
    public void AddressSpaceThatIsUsedUp() => ChildProcess.Check(TryWithoutAddressSpace);

    private static void TryAll()
    {
        using var folder = new TemporaryFolder();
        string large = folder.File("large.o");
        string huge = folder.File("huge.o");
        string archive = folder.File("large.a");
        Write(large);
        using (FileStream file = File.Create(huge))
        {
            file.SetLength(200 << 20);
        }

        Command.Check("ar", ["rc", archive, large]);
        using var library = new ObjectLibrary("short");
        using var redirectable = new ObjectLibrary("redirectable", new ObjectLibraryOptions { Redirectable = true });
        redirectable.Load(LinkTest.Returning("s0000001", 1));
        CheckThatItWorks(0);
        (int, ulong, int) before = LinkTest.Footprint();
        (string Name, string Blamed, Action Act)[] acts =
        [
            ("a file", "huge.o: there is not enough memory to read it", () => library.Load(huge)),
            ("several files", "huge.o: there is not enough memory to read it", () => new InputFiles().AddAll([huge, large])),
            ("Load", "large.o: there is not enough memory", () => library.Load(large)),
            ("Replace", "large.o: there is not enough memory", () => redirectable.Replace(large)),
            ("with an archive", "there is not enough memory", () => library.Load(large, archive)),
            ("GetExport", "there is not enough memory", () =>
            {
                using var other = new ObjectLibrary("archive");
                var inputs = new InputFiles();
                inputs.Add(archive);
                other.Add(inputs);
                other.GetExport("s0000002");
            }),
            ("LinkProgram", "there is not enough memory", () =>
            {
                using var other = new ObjectLibrary("program");
                var inputs = new InputFiles();
                inputs.Add(large);
                other.Add(inputs);
                other.LinkProgram("s0000003", out _);
            }),
            ("an image", "large.o: there is not enough memory", () =>
            {
                var inputs = new InputFiles();
                inputs.Add(large);
                new ImageLinker(new ImageOptions { Entry = "s0000004" }).Link(inputs);
            }),
        ];
        for (int i = 0; i < acts.Length; i++)
        {
            LinkException refusal = Assert.Throws<LinkException>(() => acts[i].Act(), acts[i].Name);
            Assert.That(refusal.Errors.Single().Code, Is.EqualTo(LinkErrorCode.LimitExceeded), acts[i].Name);
            Assert.That(refusal.Message, Does.Contain(acts[i].Blamed), acts[i].Name);
            CheckThatItWorks(i + 1);
            Assert.That(LinkTest.Footprint(), Is.EqualTo(before), acts[i].Name);
        }

        Assert.That((library.Units.Count, redirectable.Units.Count, redirectable.Reclaim()), Is.EqualTo((0, 1, 0)));
    }

    private static void TryWithoutAddressSpace()
    {
        using var library = new ObjectLibrary("short");
        CheckThatItWorks(0);
        (int, ulong, int) before = LinkTest.Footprint();
        ElfBuilder elf = new();
        elf.AddSymbol("large", elf.AddSection(".bss", SHT_NOBITS, LinkTest.Writable, size: 6UL << 30), 0, 8, type: SymbolType.Object);
        string size = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmSize:", StringComparison.Ordinal));
        long used = long.Parse(new string([.. size.Where(char.IsAsciiDigit)]), CultureInfo.InvariantCulture) << 10;
        Command.Check("prlimit", ["--pid", $"{Environment.ProcessId}", $"--as={used + (1L << 30)}"]);

        LinkException refusal = Assert.Throws<LinkException>(() => library.Load(elf, "large.o"));

        Assert.That(refusal.Errors.Single().Code, Is.EqualTo(LinkErrorCode.LimitExceeded), refusal.Message);
        Assert.That(refusal.Message, Does.Contain("large.o"));
        CheckThatItWorks(1);
        Assert.That((library.Units.Count, LinkTest.Footprint()), Is.EqualTo((0, before)));
    }

    private static void CheckThatItWorks(int number)
    {
        using var library = new ObjectLibrary("small");
        library.Load(LinkTest.Returning("f", (byte)number));
        Assert.That(NativeCall.Call(library.Address("f")), Is.EqualTo((ulong)number));
    }

    /// <summary>Writes an object of functions, each with a name of its own, without having it in memory.</summary>
    private static void Write(string path)
    {
        using FileStream stream = File.Create(path);
        using var writer = new BinaryWriter(stream);
        const int header = 64;
        const int code = 64;
        const long symbols = header + code;
        const long names = symbols + (24L * (Symbols + 1));
        const long namesSize = 1 + (9L * Symbols);
        const long table = (names + namesSize + 7) & ~7;
        writer.Write([0x7f, .. "ELF"u8, 2, 1, 1, .. new byte[9]]);
        writer.Write((ushort)1); // ET_REL
        writer.Write((ushort)62); // EM_X86_64
        writer.Write(1);
        writer.Write(new byte[16]);
        writer.Write(table);
        writer.Write(new byte[4]);
        Array.ForEach<ushort>([header, 0, 0, 64, 4, 3], writer.Write);
        writer.Write(new byte[code]);
        writer.Write(new byte[24]);
        for (int i = 0; i < Symbols; i++)
        {
            writer.Write(1 + (9 * i));
            writer.Write([0x12, 0, 1, 0, .. new byte[16]]); // STB_GLOBAL, STT_FUNC, in section 1
        }

        writer.Write((byte)0);
        for (int i = 0; i < Symbols; i++)
        {
            writer.Write(System.Text.Encoding.ASCII.GetBytes($"s{i:D7}\0"));
        }

        writer.Write(new byte[table - names - namesSize]);
        writer.Write(new byte[64]);
        Header(SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, header, code, 0, 0, 0);
        Header(SHT_SYMTAB, 0, symbols, 24L * (Symbols + 1), 3, 1, 24);
        Header(SHT_STRTAB, 0, names, namesSize, 0, 0, 0);

        void Header(uint type, ulong flags, long offset, long size, int link, int info, long entrySize)
        {
            writer.Write(0);
            writer.Write(type);
            writer.Write(flags);
            writer.Write(0L);
            writer.Write(offset);
            writer.Write(size);
            writer.Write(link);
            writer.Write(info);
            writer.Write(1L);
            writer.Write(entrySize);
        }
    }
}
