using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>Sections whose addresses the caller gives.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ImageMappingTests
{
    [TestCase("a.o,.text=0x1000", "a.o", ".text", null, 0x1000UL)]
    [TestCase("a.o,.text=4096", "a.o", ".text", null, 0x1000UL)]
    [TestCase("a.o,.text#3=0xFFFFFFFF80000000", "a.o", ".text", 3, 0xffff_ffff_8000_0000)]
    [TestCase("lib.a(m,n.o),.data.x=0", "lib.a(m,n.o)", ".data.x", null, 0UL)]
    [TestCase("x=y.o,.got=1", "x=y.o", ".got", null, 1UL)]
    public void MappingsAreRead(string text, string file, string section, int? index, ulong address) =>
        Assert.That(SectionMapping.Parse(text), Is.EqualTo(new SectionMapping(file, section, index, address)));

    [TestCase("")]
    [TestCase("a.o")]
    [TestCase("a.o,.text")]
    [TestCase("a.o,.text=")]
    [TestCase("a.o,.text=0x")]
    [TestCase("a.o,.text=-1")]
    [TestCase("a.o,.text=0x1ffffffffffffffff")]
    [TestCase(",.text=1")]
    public void WhatIsNoMappingIsRefused(string text) =>
        Assert.That(() => SectionMapping.Parse(text), Throws.TypeOf<ImageOptionException>());

    [Test]
    public void SectionsLieWhereTheCallerWants()
    {
        LinkedImage image = Link(
            "a.o,.text=0x10000000", "a.o,.data=0x10001008", "b.o,.text=0x10002000", "a.o,.twice#4=0x20000", "a.o,.got=0x30008");
        ImageExecutable file = ImageExecutable.Of(image);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(AddressOf(image, "a.o", ".text"), Is.EqualTo(0x1000_0000));
            Assert.That(AddressOf(image, "a.o", ".data"), Is.EqualTo(0x1000_1008));
            Assert.That(AddressOf(image, "b.o", ".text"), Is.EqualTo(0x1000_2000));
            Assert.That(image.Sections.Single(section => section.Index is 4).Address, Is.EqualTo(0x2_0000));
            Assert.That(image.Got.Single().Address, Is.EqualTo(0x3_0008));
            Assert.That(image.Got.Single().Value, Is.EqualTo(0x1000_2000));
            Assert.That(file.Read(0x1000_0000, 1), Is.EqualTo([0xe8]));
            Assert.That(file.Loads.Select(load => load.Address), Is.Ordered);
        }
    }

    [TestCase("nothere.o,.text=0x1000", "no object")]
    [TestCase("nothere.o,.text=0x1000", "no object of this name is linked", "did you mean")]
    [TestCase("A.O,.text=0x1000", "; did you mean 'a.o'?")]
    [TestCase("./a.o,.text=0x1000", "; did you mean 'a.o'?")]
    [TestCase("a.o,.txet=0x1000", "no such section that is loaded; did you mean '.text'?")]
    [TestCase("a.o,.missing=0x1000", "no such section that is loaded", "did you mean")]
    [TestCase("a.o,.twice#77=0x1000", "no such section that is loaded; it has .twice#")]
    [TestCase("a.o,.text=0x1000 a.o,.text=0x2000", "a.o,.text=0x2000: the section is to lie at 0x1000 already")]
    [TestCase("a.o,.missing=0x1000", "no such section")]
    [TestCase("b.o,.got=0x1000", "no global offset table")]
    [TestCase("a.o,.comment=0x1000", "no such section")]
    [TestCase("a.o,.twice=0x1000", "several")]
    [TestCase("a.o,.text=0x10001", "multiple")]
    [TestCase("a.o,.tdata=0x10000", "template")]
    [TestCase("a.o,.data=0xfffffffffffffff8", "address space")]
    public void ImpossibleMappingsAreErrorsOfTheCaller(string mappings, string message, string absent = "\0") =>
        Assert.That(
            () => Link(mappings.Split(' ')),
            Throws.TypeOf<ImageOptionException>().With.Message.Contains(message).And.Message.Not.Contains(absent));

    [Test]
    public void OverlapsAreErrorsOfTheCaller() => Assert.That(
        () => Link("a.o,.text=0x10000", "b.o,.text=0x10000"),
        Throws.TypeOf<ImageOptionException>().With.Message.Contains("overlaps"));

    [Test]
    public void TheFirstSegmentMustNotOverlapEither()
    {
        var options = new ImageOptions { Base = 0x1_0000, MapSections = [SectionMapping.Parse("a.o,.text=0x10010")] };

        Assert.That(() => Link(options), Throws.TypeOf<ImageOptionException>().With.Message.Contains("first segment"));
    }

    [Test]
    public void TheBaseMustBeAMultipleOfFour() => Assert.That(
        () => Link(new ImageOptions { Base = 0x1_0012 }), Throws.TypeOf<ImageOptionException>().With.Message.Contains("multiple of 4"));

    [TestCase("a.o,.text=0x400000")]
    [TestCase("a.o,.text=0x401000")]
    [TestCase("a.o,.data=0x402ff8")]
    public void WhatHasNoAddressGivesWay(string mapping)
    {
        ImageExecutable.Segment[] loads = [.. ImageExecutable.Of(Link(mapping)).Loads];

        foreach ((ImageExecutable.Segment first, ImageExecutable.Segment second) in loads.Zip(loads.Skip(1)))
        {
            Assert.That(second.Address / 0x1000, Is.GreaterThan((first.Address + first.MemorySize - 1) / 0x1000));
        }
    }

    /// <summary>Calls that cannot reach go through stubs; the others do not.</summary>
    [TestCase("b.o,.text=0x10000000", null, 0)]
    [TestCase("b.o,.text=0x700000000000", 0x40_0000UL, 1)]
    [TestCase("b.o,.text=0x700000000000", null, 0, Description = "the rest is placed near")]
    [TestCase("a.o,.text=0x700000000000", null, 0)]
    public void FarCallsGoThroughStubs(string mapping, ulong? address, int stubs)
    {
        LinkedImage image = Link(new ImageOptions { Base = address, MapSections = [SectionMapping.Parse(mapping)] });
        byte[] call = new byte[5];
        ulong place = AddressOf(image, "a.o", ".text");
        Assert.That(image.TryRead(place, call), Is.True);
        ulong target = place + 5 + (ulong)BitConverter.ToInt32(call, 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(image.Stubs, Has.Count.EqualTo(stubs));
            Assert.That(target, Is.EqualTo(stubs is 0 ? AddressOf(image, "b.o", ".text") : image.Stubs[0].Address));
            if (stubs is 1)
            {
                byte[] code = new byte[14];
                Assert.That(image.TryRead(image.Stubs[0].Address, code), Is.True);
                Assert.That(image.Stubs[0].Target, Is.EqualTo(0x7000_0000_0000));

                // movabs $0x700000000000, %r11; notrack jmp *%r11
                Assert.That(Convert.ToHexStringLower(code), Is.EqualTo("49bb0000000000700000" + "3e41ffe3"));
            }
        }
    }

    [Test]
    public void AStubThatWouldOverlapWhatIsPlacedStandsElsewhere()
    {
        LinkedImage image = Link("a.o,.text=0x10000000", "a.o,.data=0x10000020", "b.o,.text=0x700000000000", "a.o,.twice#4=0x50000000");

        Assert.That(image.Stubs.Single().Address, Is.GreaterThanOrEqualTo(image.Segments[0].Address));
    }

    private static ulong AddressOf(LinkedImage image, string file, string section) =>
        image.Sections.Single(part => part.Object == file && part.Section == section).Address;

    private static LinkedImage Link(params string[] mappings) =>
        Link(new ImageOptions { MapSections = [.. mappings.Select(SectionMapping.Parse)] });

    private static LinkedImage Link(ImageOptions options)
    {
        ElfBuilder caller = new();
        int text = caller.AddCode(".text", 0xe8, 0, 0, 0, 0, 0x48, 0x03, 0x05, 0, 0, 0, 0);
        caller.AddSection(".data", flags: SHF_ALLOC | SHF_WRITE, bytes: new byte[8], alignment: 8);
        caller.AddSection(".twice", bytes: new byte[8]);
        caller.AddSection(".twice", bytes: new byte[8]);
        caller.AddSection(".tdata", flags: SHF_ALLOC | SHF_WRITE | SHF_TLS, bytes: new byte[8]);
        caller.AddSection(".comment", flags: 0, bytes: new byte[8]);
        int callee = caller.AddSymbol("callee");
        caller.AddRelocation(text, 1, 4, callee, addend: -4); // R_X86_64_PLT32
        caller.AddRelocation(text, 8, 9, callee, addend: -4); // R_X86_64_GOTPCREL
        ElfBuilder other = new();
        other.AddSymbol("callee", other.AddCode(".text", 0xc3), type: SymbolType.Function);
        return new ImageLinker(options).Link(
            [ElfObject.Read(caller.Build(), "a.o"), ElfObject.Read(other.Build(), "b.o")]);
    }
}
