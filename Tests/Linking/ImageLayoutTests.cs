using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>Where an image has what, and whether its headers say so.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ImageLayoutTests
{
    private const uint PF_RW = PF_R | PF_W;
    private const uint PF_RX = PF_R | PF_X;

    private static readonly Lazy<LinkedImage> Everything = new(() => new ImageLinker(new ImageOptions { Entry = "main" }).Link(
        [Object(1), Object(2)]));

    [Test]
    public void SegmentsAreByKindAndShareNoPage()
    {
        ImageExecutable file = ImageExecutable.Of(Everything.Value);
        ImageExecutable.Segment[] loads = [.. file.Loads];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(loads.Select(load => load.Flags), Is.EqualTo([PF_R, PF_RX, PF_RW, PF_RW]));
            Assert.That(loads[0].Address, Is.EqualTo(0x40_0000));
            Assert.That(loads[0].Offset, Is.Zero);
            foreach ((ImageExecutable.Segment first, ImageExecutable.Segment second) in loads.Zip(loads.Skip(1)))
            {
                Assert.That(second.Address / 0x1000, Is.GreaterThan((first.Address + first.MemorySize - 1) / 0x1000));
            }

            foreach (ImageExecutable.Segment load in loads)
            {
                Assert.That(load.Offset % 0x1000, Is.EqualTo(load.Address % 0x1000));
                Assert.That(load.FileSize, Is.LessThanOrEqualTo(load.MemorySize));
            }
        }
    }

    [Test]
    public void TheMapHasTheSegmentsOfTheFile()
    {
        ImageExecutable file = ImageExecutable.Of(Everything.Value);

        Assert.That(
            Everything.Value.Segments,
            Is.EqualTo(file.Loads.Select(load => new ImageSegment(
                load.Address,
                load.MemorySize,
                load.Offset,
                load.FileSize,
                load.Flags switch { PF_R => "R", PF_RX => "RX", _ => "RW" }))));
    }

    [Test]
    public void SpecialSegmentsCoverTheirSections()
    {
        ImageExecutable file = ImageExecutable.Of(Everything.Value);
        ImageExecutable.Segment tls = file.Segments.Single(segment => segment.Type is PT_TLS);
        ImageExecutable.Segment relro = file.Segments.Single(segment => segment.Type is PT_GNU_RELRO);
        ImageExecutable.Segment stack = file.Segments.Single(segment => segment.Type is PT_GNU_STACK);
        ImageExecutable.Segment headers = file.Segments.Single(segment => segment.Type is PT_PHDR);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tls.Address, Is.EqualTo(file.Named(".tdata").Address));
            Assert.That(tls.FileSize, Is.EqualTo(file.Named(".tdata").Size));
            Assert.That(tls.MemorySize, Is.EqualTo(file.Named(".tbss").Address + file.Named(".tbss").Size - tls.Address));
            Assert.That(tls.Alignment, Is.EqualTo(64)); // of .tbss
            Assert.That(tls.Address % 64, Is.Zero);
            Assert.That(relro.Address, Is.LessThanOrEqualTo(file.Named(".init_array").Address));
            Assert.That((relro.Address + relro.MemorySize) % 0x1000, Is.Zero);
            Assert.That(relro.Address + relro.MemorySize, Is.LessThanOrEqualTo(file.Named(".data").Address));
            Assert.That(stack.Flags, Is.EqualTo(PF_RW));
            Assert.That(headers.Offset, Is.EqualTo(64));
            Assert.That(headers.Address, Is.EqualTo(0x40_0040));
            Assert.That(headers.FileSize, Is.EqualTo(56 * file.Segments.Count));
        }
    }

    [Test]
    public void InputsOfOneNameLieInOneSectionInOrder()
    {
        ImageExecutable file = ImageExecutable.Of(Everything.Value);
        string[] order = [.. Everything.Value.Sections
            .Where(section => section.Section.StartsWith(".text", StringComparison.Ordinal))
            .OrderBy(section => section.Address)
            .Select(section => $"{section.Object}:{section.Section}")];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(order, Is.EqualTo(["1.o:.text", "1.o:.text.cold", "2.o:.text", "2.o:.text.cold"]));
            Assert.That(file.Sections.Count(section => section.Name is ".text"), Is.EqualTo(1));
            Assert.That(file.Sections.Any(section => section.Name is ".text.cold" or ".comment" or ".note.GNU-stack"), Is.False);
        }
    }

    [Test]
    public void InitializersAreSortedByPriority()
    {
        ImageSection[] arrays = [.. Everything.Value.Sections
            .Where(section => section.Section.StartsWith(".init_array", StringComparison.Ordinal))
            .OrderBy(section => section.Address)];

        Assert.That(arrays.Select(array => array.Section), Is.EqualTo(
            [".init_array.5", ".init_array.5", ".init_array.200", ".init_array.200", ".init_array", ".init_array"]));
    }

    [Test]
    public void BytesOfInputSectionsStandAtTheirAddresses()
    {
        ImageExecutable file = ImageExecutable.Of(Everything.Value);
        using (Assert.EnterMultipleScope())
        {
            foreach (ImageSection section in Everything.Value.Sections.Where(section => section.Section is ".text" or ".rodata"))
            {
                byte[] bytes = new byte[section.Size];
                byte fill = byte.Parse(section.Object[..1]);

                Assert.That(Everything.Value.TryRead(section.Address, bytes), Is.True);
                Assert.That(bytes, Has.All.EqualTo(fill));
                Assert.That(file.Read(section.Address, section.Size), Is.EqualTo(bytes));
            }
        }
    }

    [Test]
    public void GapsInCodeTrap()
    {
        ImageSection[] text = [.. Everything.Value.Sections.Where(section => section.Section is ".text")];
        byte[] gap = new byte[1];

        Assert.That(Everything.Value.TryRead(text[0].Address + text[0].Size, gap), Is.True);
        Assert.That(gap[0], Is.EqualTo(0xcc));
    }

    [Test]
    public void MemoryOutsideOfTheImageCannotBeRead()
    {
        LinkedImage image = Everything.Value;
        ImageSegment last = image.Segments[^1];
        byte[] bytes = new byte[2];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(image.TryRead(0x3f_ffff, bytes), Is.False);
            Assert.That(image.TryRead(last.Address + last.Size - 1, bytes), Is.False);
            Assert.That(image.TryRead(ulong.MaxValue, bytes), Is.False);
            Assert.That(image.TryRead(last.Address + last.Size - 2, bytes), Is.True);
        }
    }

    [Test]
    public void LocalSymbolsComeFirstAndHiddenOnesAreLocal()
    {
        ImageExecutable file = ImageExecutable.Of(Everything.Value);
        uint firstGlobal = file.Named(".symtab").Info;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(file.Symbols.Take((int)firstGlobal - 1).Select(symbol => symbol.Binding), Has.All.EqualTo(STB_LOCAL));
            Assert.That(file.Symbols.Skip((int)firstGlobal - 1).Select(symbol => symbol.Binding), Has.None.EqualTo(STB_LOCAL));
            Assert.That(file.SymbolNamed("hidden1").Binding, Is.EqualTo(STB_LOCAL));
            Assert.That(file.SymbolNamed("main").Value, Is.EqualTo(file.Entry));
            Assert.That(file.SymbolNamed("thread1").Value, Is.Zero, "relative to the template");
            Assert.That(file.Sections[file.SymbolNamed("main").Section].Name, Is.EqualTo(".text"));
            Assert.That(file.SymbolNamed("common").Size, Is.EqualTo(64));
        }
    }

    [TestCase("__ehdr_start", "", 0)]
    [TestCase("__executable_start", "", 0)]
    [TestCase("__dso_handle", "", 0)]
    [TestCase("__init_array_start", ".init_array", 0)]
    [TestCase("__init_array_end", ".init_array", 1)]
    [TestCase("etext", ".text", 1)]
    [TestCase("_etext", ".text", 1)]
    [TestCase("edata", "list", 1)]
    [TestCase("__bss_start", ".bss", 0)]
    [TestCase("_end", ".bss", 1)]
    [TestCase("__start_list", "list", 0)]
    [TestCase("__stop_list", "list", 1)]
    public void LinkersSymbolsAreWhereTheyShouldBe(string name, string section, int isEnd)
    {
        ElfBuilder builder = Builder(1);
        int list = builder.AddSection("list", bytes: [1, 2, 3], flags: SHF_ALLOC | SHF_WRITE);
        int text = builder.AddCode(".text", new byte[16]);
        builder.AddSymbol("keep", list);
        builder.AddRelocation(text, 0, 1, builder.AddSymbol(name));
        ImageExecutable file = ImageExecutable.Of(new ImageLinker().Link([ElfObject.Read(builder.Build(), "a.o"), Object(2)]));
        ulong expected = section.Length is 0
            ? 0x40_0000
            : file.Named(section).Address + (isEnd is 1 ? file.Named(section).Size : 0);

        byte[] word = file.Read(file.Named(".text").Address, 8)!;

        Assert.That(BitConverter.ToUInt64(word), Is.EqualTo(expected));
    }

    [Test]
    public void AMissingEntryIsAWarningUnlessItMustExist()
    {
        LinkedImage image = new ImageLinker().Link([Object(1)]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(image.Entry, Is.Zero);
            Assert.That(image.Warnings, Has.One.Contains("_start"));
            Assert.That(
                () => new ImageLinker(new ImageOptions { Entry = "nowhere", EntryMustExist = true }).Link([Object(1)]),
                Throws.TypeOf<LinkException>().With.Message.Contains("nowhere"));
        }
    }

    [Test]
    public void DefinedSymbolsAreAbsolute()
    {
        ElfBuilder builder = new();
        int text = builder.AddCode(".text", new byte[16]);
        builder.AddRelocation(text, 0, 1, builder.AddSymbol("given"));
        var options = new ImageOptions
        {
            Definitions = new Dictionary<string, DefinedSymbol> { ["given"] = new(0x1234_5678_9abc) },
        };
        ImageExecutable file = ImageExecutable.Of(new ImageLinker(options).Link([ElfObject.Read(builder.Build(), "a.o")]));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(BitConverter.ToUInt64(file.Read(file.Named(".text").Address, 8)!), Is.EqualTo(0x1234_5678_9abc));
            Assert.That(file.SymbolNamed("given").Section, Is.EqualTo(SHN_ABS));
        }
    }

    [Test]
    public void ADefinedSymbolThatAnObjectDefinesIsADuplicate()
    {
        var options = new ImageOptions
        {
            Definitions = new Dictionary<string, DefinedSymbol> { ["main"] = new(1) },
        };

        Assert.That(
            () => new ImageLinker(options).Link([Object(1)]),
            Throws.TypeOf<LinkException>().With.Property("Errors").One.With.Property("Code").EqualTo(LinkErrorCode.Duplicate));
    }

    [Test]
    public void MissingSymbolsAreErrorsUnlessAllowed()
    {
        ElfBuilder builder = new();
        int text = builder.AddCode(".text", new byte[16]);
        builder.AddRelocation(text, 0, 1, builder.AddSymbol("missing"));
        ElfObject elf = ElfObject.Read(builder.Build(), "a.o");
        LinkedImage image = new ImageLinker(new ImageOptions { AllowUndefined = true, UndefinedAddress = 0x77 }).Link([elf]);
        byte[] word = new byte[8];
        image.TryRead(image.Sections[0].Address, word);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => new ImageLinker().Link([elf]), Throws.TypeOf<LinkException>().With.Message.Contains("missing"));
            Assert.That(BitConverter.ToUInt64(word), Is.EqualTo(0x77));
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public void ObjectsForAnotherMachineAreRefused(bool isMember)
    {
        ElfBuilder foreign = new(is64Bit: false, EM_ARM);
        foreign.AddSymbol("missing", foreign.AddWords(".data", 1));
        ElfBuilder builder = new();
        builder.AddRelocation(builder.AddWords(".data", 0), 0, 1, builder.AddSymbol("missing"));
        ElfObject elf = ElfObject.Read(builder.Build(), "a.o");
        Archive archive = Archive.Read(
            ArchiveBuilder.Gnu(("b.o", foreign.Build())).WithIndex(("missing", 0)).Build(), "l.a");

        Assert.That(
            () => isMember
                ? new ImageLinker().Link([elf], [archive])
                : new ImageLinker().Link([elf, ElfObject.Read(foreign.Build(), "b.o")]),
            Throws.TypeOf<LinkException>().With.Message.EqualTo(
                $"{(isMember ? "l.a(b.o)" : "b.o")}: the object is for ARM, and a.o is for x86-64"));
    }

    [Test]
    public void LargeGapsAndSizesAreRefusedByLimit()
    {
        ElfBuilder builder = new();
        builder.AddSection(".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, size: 5UL << 30);

        Assert.That(
            () => new ImageLinker().Link([ElfObject.Read(builder.Build(), "a.o")]),
            Throws.TypeOf<LinkException>().With.Property("Errors").One.With.Property("Code").EqualTo(LinkErrorCode.LimitExceeded));
    }

    private static ElfBuilder Builder(byte fill)
    {
        ElfBuilder builder = new();
        byte[] bytes = [.. Enumerable.Repeat(fill, 5)];
        builder.AddSection(".init_array.200", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, new byte[8], alignment: 8);
        builder.AddSection(".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, new byte[8], alignment: 8);
        builder.AddSection(".init_array.5", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, new byte[8], alignment: 8);
        builder.AddSection(".data", flags: SHF_ALLOC | SHF_WRITE, bytes: bytes, alignment: 4);
        builder.AddSection(".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, size: 100, alignment: 32);
        builder.AddSection(".rodata.str", bytes: bytes);
        builder.AddSection(".rodata", bytes: bytes);
        return builder;
    }

    private static ElfObject Object(byte number)
    {
        ElfBuilder builder = Builder(number);
        byte[] bytes = [.. Enumerable.Repeat(number, 5)];
        int text = builder.AddCode(".text", bytes);
        builder.AddCode(".text.cold", bytes);
        int data = builder.AddSection(".tdata", flags: SHF_ALLOC | SHF_WRITE | SHF_TLS, bytes: bytes, alignment: 8);
        builder.AddSection(".tbss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE | SHF_TLS, size: 24, alignment: 64);
        builder.AddSection(".comment", flags: 0, bytes: bytes);
        builder.AddSection(".note.GNU-stack", flags: 0);
        builder.AddSymbol($"local{number}", text, binding: SymbolBinding.Local);
        if (number is 1)
        {
            builder.AddSymbol("main", text, type: SymbolType.Function);
        }

        builder.AddSymbol($"hidden{number}", text, visibility: SymbolVisibility.Hidden);
        builder.AddSymbol($"thread{number}", data, type: SymbolType.Tls);
        builder.AddSymbol("common", SHN_COMMON, value: 16, size: (ulong)(32 * number), type: SymbolType.Object);
        return ElfObject.Read(builder.Build(), $"{number}.o");
    }
}
