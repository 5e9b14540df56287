using ElfLoader.Elf;
using ElfLoader.Inspection;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Diagnostics;

/// <summary>How symbols are listed: by the words of maps (gABI, "Symbol Table"), or by number where there is no word.</summary>
public sealed class SymbolTextTests
{
    [TestCase(0, "notype")]
    [TestCase(1, "object")]
    [TestCase(2, "func")]
    [TestCase(6, "tls")]
    [TestCase(7, "7")]
    [TestCase(10, "ifunc")]
    [TestCase(13, "13")]
    public void TypesHaveWordsOrNumbers(int type, string expected)
    {
        SymbolRecord symbol = Symbol(SymbolBinding.Global, (SymbolType)type);

        Assert.That(SymbolText.TypeOf(symbol), Is.EqualTo(expected));
    }

    [TestCase(1, "global")]
    [TestCase(2, "weak")]
    [TestCase(10, "unique")]
    [TestCase(11, "11")]
    [TestCase(14, "14")]
    public void BindingsHaveWordsOrNumbers(int binding, string expected)
    {
        SymbolRecord symbol = Symbol((SymbolBinding)binding, SymbolType.NoType);

        Assert.That(SymbolText.BindingOf(symbol), Is.EqualTo(expected));
    }

    private static SymbolRecord Symbol(SymbolBinding binding, SymbolType type)
    {
        ElfBuilder elf = new();
        int section = elf.AddSection(".data", ElfConstants.SHT_PROGBITS, LinkTest.Writable, new byte[8]);
        int symbol = elf.AddSymbol("x", section, 0, 8, binding, type);
        return LinkTest.Read(elf, "x.o").Symbol(symbol);
    }
}
