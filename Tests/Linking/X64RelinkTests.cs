using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using ElfLoader.Relocations;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// For every static type of x86-64: an object linked for other addresses and back again has the bytes of one that is
/// linked for the first time.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class X64RelinkTests
{
    private const ulong Text = 0x60;
    private const ulong Data = 0x40;
    private const int Place = 4;

    private static IEnumerable<TestCaseData> Types =>
        from rule in X64.Instance.Relocations.Rules
        where rule.Use is RelocationUse.Static
        select new TestCaseData(rule.Type).SetArgDisplayNames(rule.Name);

    [TestCaseSource(nameof(Types))]
    public void LinkingAgainElsewhereIsLinkingForTheFirstTime(uint type)
    {
        RelocationRule rule = X64.Instance.Relocations[type]!;
        byte[] bytes = Build(rule);
        ElfObject elf = ElfObject.Read(bytes, "a.o");

        byte[] first = Link(elf, 0, 0);
        byte[] moved = Link(elf, 8, 4);
        byte[] back = Link(elf, 0, 0);
        byte[] fresh = Link(ElfObject.Read(bytes, "a.o"), 8, 4);

        Assert.That(moved, Is.EqualTo(fresh));
        Assert.That(back, Is.EqualTo(first));
        bool isRelative = rule.Expression.IsThreadLocal || rule.Expression.UsesSize
            || (rule.Expression.UsesGot && !rule.Expression.IsPcRelative && rule.Slot is not GotSlot.None);
        Assert.That(moved, isRelative ? Is.EqualTo(first) : Is.Not.EqualTo(first));
    }

    private static byte[] Build(RelocationRule rule)
    {
        var elf = new ElfBuilder();
        bool isThreadLocal = rule.Expression.IsThreadLocal
            || rule.Slot is GotSlot.TlsIndex or GotSlot.TlsModule or GotSlot.TpOffset or GotSlot.TlsDescriptor;
        int text = elf.AddSection(".text", flags: SHF_ALLOC | SHF_EXECINSTR, bytes: new byte[16]);
        int data = elf.AddSection(".data", flags: SHF_ALLOC | SHF_WRITE, bytes: new byte[8]);
        int thread = elf.AddSection(".tdata", flags: SHF_ALLOC | SHF_WRITE | SHF_TLS, bytes: new byte[8]);
        int symbol = elf.AddSymbol(
            "s", isThreadLocal ? thread : data, 4, 4, type: isThreadLocal ? SymbolType.Tls : SymbolType.Object);
        _ = elf.AddRelocation(text, Place, rule.Type, symbol, 1);
        return elf.Build();
    }

    private static byte[] Link(ElfObject elf, ulong moveText, ulong moveData)
    {
        LinkedImage image = new ImageLinker(new ImageOptions
        {
            Relax = false,
            MapSections =
            [
                new SectionMapping("a.o", ".text", null, Text + moveText),
                new SectionMapping("a.o", ".data", null, Data + moveData),
            ],
        }).Link([elf]);
        byte[] bytes = new byte[16];
        Assert.That(image.TryRead(Text + moveText, bytes), Is.True);
        return bytes;
    }
}
