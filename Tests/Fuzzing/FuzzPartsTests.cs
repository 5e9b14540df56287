using ElfLoader.Elf;
using ElfLoader.Fuzz;
using ElfLoader.Fuzz.Mutating;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Fuzzing;

/// <summary>The parts that a run relies on: without them it would find nothing, and say so.</summary>
internal sealed class FuzzPartsTests
{
    [Test]
    public void TheSameNumberGivesTheSameMutant()
    {
        var seed = new Seed("hello.o", File.ReadAllBytes(Fixtures.Object("hello")));
        var mutator = new Mutator([seed]);
        byte[] Mutant(long number)
        {
            var random = new FuzzRandom(1, number);
            return mutator.Mutate(seed, seed.Bytes, ref random);
        }

        byte[] first = Mutant(3);
        Assert.That(Mutant(3), Is.EqualTo(first));
        Assert.That(Enumerable.Range(0, 100).Select(i => Convert.ToHexString(Mutant(i))).Distinct().Count(), Is.GreaterThan(90));
    }

    [Test]
    public void EveryFieldOfASeedIsKnown()
    {
        var seed = new Seed("hello.o", File.ReadAllBytes(Fixtures.Object("hello")));
        var elf = ElfObject.Read(seed.Bytes, seed.Name);
        Site[] Of(SiteKind kind) => seed.Kinds.ToArray().Single(sites => sites[0].Kind == kind);

        int relocations = elf.RelocationSections.ToArray().Sum(section => section.Count);
        Assert.That(Of(SiteKind.RelocationAddend), Has.Length.EqualTo(relocations));
        Assert.That(Of(SiteKind.SymbolInfo), Has.Length.EqualTo(elf.SymbolCount));
        Assert.That(Of(SiteKind.SectionType), Has.Length.EqualTo(elf.Sections.Length));
        Assert.That(seed.Entries, Has.Length.EqualTo(relocations + elf.SymbolCount + elf.Sections.Length));
    }

    /// <summary>The members of a thin archive are files next to it: one that is none is refused, and nobody waits for it.</summary>
    [TestCase("member.o", null)]
    [TestCase("pipe", LinkErrorCode.File)]
    [TestCase("/dev/zero", LinkErrorCode.File)]
    public void AThinArchiveIsReadWithItsMembers(string name, LinkErrorCode? refused)
    {
        using var folder = new TemporaryFolder();
        byte[] member = File.ReadAllBytes(Fixtures.Object("hello"));
        File.WriteAllBytes(folder.File("member.o"), member);
        var seed = new Seed("thin.a", ArchiveBuilder.Thin(("member.o", member)).Build(), folder.Path);
        byte[] named = ArchiveBuilder.Thin((name, member)).Build();

        Assert.That(seed.Machine, Is.EqualTo(ElfConstants.EM_X86_64));
        Assert.That(seed.Kinds.ToArray().Count(kind => kind[0].Kind is SiteKind.MemberPath), Is.EqualTo(1));
        using var subject = new Subject(Seed.MembersOf([seed]), folder.File("files"));
        Assert.That(subject.Run(named, 2).Error?.Code, Is.EqualTo(refused));
    }

    [Test]
    public void AReproducerHasOnlyTheChangesThatMatter()
    {
        byte[] seed = new byte[1000];
        byte[] mutant = [.. seed];
        foreach (int at in (int[])[3, 77, 78, 500, 501, 502, 999])
        {
            mutant[at] = 9;
        }

        byte[] smallest = Reproducer.Minimize(seed, mutant, bytes => bytes[77] is 9 && bytes[501] is 9);

        Assert.That(Enumerable.Range(0, 1000).Where(i => smallest[i] is 9), Is.EqualTo([77, 501]));
    }

    /// <summary>An image that is not the one that a second link gives is a finding, and so is a byte that should not have moved.</summary>
    [Test]
    public void AnotherImageIsAFinding()
    {
        var options = new ImageOptions();
        ElfObject one = Data(1);
        LinkedImage image = new ImageLinker(options).Link([one]);
        LinkedImage other = new ImageLinker(options).Link([Data(2)]);
        var check = new MotionCheck(options);

        Assert.That(() => check.Check(one, image, comparesFiles: true), Throws.Nothing);
        Assert.That(() => check.Check(one, other, comparesFiles: false), Throws.TypeOf<FindingException>());
    }

    private static ElfObject Data(byte value)
    {
        ElfBuilder elf = new();
        elf.AddSection(".data", bytes: [value, 2, 3, 4]);
        return ElfObject.Read(elf.Build(), "a.o");
    }

    [Test]
    public void ObjectsAreWrittenAsTheyAreMeant()
    {
        var writer = new ObjectWriter(ElfConstants.EM_ARM);
        int data = writer.AddSection(".data", ElfConstants.SHT_PROGBITS, ElfConstants.SHF_ALLOC, new byte[8], 8, 4);
        int global = writer.AddSymbol("g", ElfConstants.STB_GLOBAL << 4, 0, 0, 0, 0);
        int local = writer.AddSymbol("l", 0, 0, (ushort)data, 4, 0);
        writer.AddRelocation(data, 4, 2, global, 0);
        writer.AddRelocation(data, 0, 3, local, 0);

        var elf = ElfObject.Read(writer.Build(), "a.o");

        List<(string, ulong, uint)> read = [];
        foreach (RelocationRecord record in elf.Relocations(elf.RelocationSections[0]))
        {
            read.Add((elf.SymbolNameText((int)record.Symbol), record.Offset, record.Type));
        }

        Assert.That(read, Is.EqualTo([("g", 4UL, 2U), ("l", 0UL, 3U)]));
    }
}
