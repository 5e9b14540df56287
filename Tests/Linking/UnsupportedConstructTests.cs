using System.Text.Json;
using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using ElfLoader.Inspection;
using ElfLoader.Relocations;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Redirection;
using ElfLoader.Tests.Support;
using ElfLoader.Tests.Tools;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>What <c>inspect</c> calls unsupported is what links refuse, by the same names, words and codes.</summary>
public sealed class UnsupportedConstructTests
{
    private static readonly (UnsupportedConstruct Construct, Func<byte[]> Object)[] Rows =
    [
        (UnsupportedConstruct.Machine, () => new ElfBuilder(machine: EM_386, is64Bit: false).Build()),
        (UnsupportedConstruct.IntermediateCode, () => Compiled.Gcc("int f(void) { return 1; }", "-O1 -flto -fno-fat-lto-objects")),
        (UnsupportedConstruct.WritableCode, () => With(".code", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR)),
        (UnsupportedConstruct.CodeWithoutBytes, () => With(".text", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR)),
        (UnsupportedConstruct.ExecutableStack, () => With(".note.GNU-stack", SHT_PROGBITS, SHF_EXECINSTR)),
        (UnsupportedConstruct.Compression, () => Compiled.C(
            string.Concat(Enumerable.Range(0, 50).Select(i => $"int function_{i}(int argument_{i}) {{ return argument_{i}; }}\n")),
            "-g -gz=zstd")), // what does not become smaller is not compressed
    ];

    private static IEnumerable<TestCaseData> Constructs => Rows.Select(row =>
        new TestCaseData(row.Construct.Name).SetArgDisplayNames(row.Construct.Name));

    private static IEnumerable<TestCaseData> Relocations =>
        from architecture in (Architecture[])[X64.Instance, Arm.Default]
        from rule in architecture.Relocations.Rules
        where rule.Use is RelocationUse.Dynamic or RelocationUse.Refused
        select new TestCaseData(architecture.Machine, rule.Type).SetArgDisplayNames(rule.Name);

    [Test]
    public void EveryConstructOfTheTableHasARow() =>
        Assert.That(Rows.Select(row => row.Construct), Is.EquivalentTo(UnsupportedConstruct.All));

    [TestCaseSource(nameof(Constructs))]
    public void IsToldByInspectAndRefusedByLinks(string name)
    {
        (UnsupportedConstruct construct, Func<byte[]> make) = Rows.Single(row => row.Construct.Name == name);
        byte[] bytes = make();
        ElfObject elf = ElfObject.Read(bytes, "it.o");

        LinkError? loaded = Refusal(() =>
        {
            using var library = new ObjectLibrary("unsupported", LinkTest.Inspecting);
            library.Load([elf]);
        });
        LinkError? linked = Refusal(() => new ImageLinker(new ImageOptions { AllowUndefined = true }).Link([elf]));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(UnsupportedConstruct.In(elf).Select(found => found.Construct).Distinct(), Is.EqualTo([construct]));
            Assert.That(Told(bytes), Is.EqualTo((name, construct.Code.ToString().ToLowerInvariant(), construct.Advice)));
            Assert.That(loaded is not null, Is.EqualTo(construct.RefusedBy.HasFlag(LinkTargets.Process)), $"{loaded}");
            Assert.That(linked is not null, Is.EqualTo(construct.RefusedBy.HasFlag(LinkTargets.Image)), $"{linked}");
            Assert.That(loaded?.Code ?? construct.Code, Is.EqualTo(construct.Code));
            Assert.That(linked?.Code ?? construct.Code, Is.EqualTo(construct.Code));
        }
    }

    [TestCaseSource(nameof(Relocations))]
    public void IsToldByInspectAndRefusedByLinksForRelocations(int machine, uint type)
    {
        Architecture architecture = machine is EM_ARM ? Arm.Default : X64.Instance;
        UnsupportedConstruct construct = UnsupportedConstruct.OfRelocation(architecture, type)!;
        var builder = new ElfBuilder(is64Bit: machine is EM_X86_64, (ushort)machine);
        int data = builder.AddSection(".data", SHT_PROGBITS, LinkTest.Writable, new byte[16], alignment: 8);
        builder.AddRelocation(data, 8, type, builder.AddSymbol("x"));
        byte[] bytes = builder.Build();

        LinkError? linked = Refusal(() => new ImageLinker(new ImageOptions { AllowUndefined = true }).Link([ElfObject.Read(bytes, "it.o")]));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(linked?.Code, Is.EqualTo(construct.Code));
            Assert.That(linked?.Relocation, Is.EqualTo(construct.Name));
            Assert.That(linked?.Message, Is.EqualTo(construct.Message));
            ObjectFeature told = ObjectFeatures.Of(ElfObject.Read(bytes, "it.o")).Single(feature => feature.Unsupported is not null);
            Assert.That((told.Name, told.Code, told.Unsupported), Is.EqualTo((construct.Name, construct.Code, construct.Advice)));
        }
    }

    [Test]
    public void AMissingNoteAsksForNothing()
    {
        using var library = new ObjectLibrary("notes");

        library.Load(LinkTest.Returning("f", 3), "none.o");

        Assert.That(library.GetFunction<Function>("f")(), Is.EqualTo(3));
    }

    private static byte[] With(string section, uint type, ulong flags)
    {
        var builder = new ElfBuilder();
        builder.AddSection(section, type, flags, type is SHT_NOBITS ? [] : new byte[8], size: 8);
        return builder.Build();
    }

    private static LinkError? Refusal(Action link)
    {
        try
        {
            link();
            return null;
        }
        catch (LinkException failure)
        {
            return failure.Errors.Single();
        }
    }

    /// <summary>The one feature that <c>inspect --json</c> calls unsupported.</summary>
    private static (string? Name, string? Code, string? Advice) Told(byte[] bytes)
    {
        using var programs = new ToolPrograms();
        string path = programs.Path("it.o");
        File.WriteAllBytes(path, bytes);
        using JsonDocument document = JsonDocument.Parse(ElfloadCommand.Invoke("inspect", "--json", path).Output);
        JsonElement feature = document.RootElement.GetProperty("files")[0].GetProperty("objects")[0].GetProperty("features")
            .EnumerateArray().Single(feature => feature.TryGetProperty("unsupported", out _));
        return (feature.GetProperty("name").GetString(), feature.GetProperty("code").GetString(),
            feature.GetProperty("unsupported").GetString());
    }
}
