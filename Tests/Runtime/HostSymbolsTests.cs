using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Tests.Runtime;

public sealed class HostSymbolsTests
{
    private readonly HostSymbols _symbols = new();

    [TestCase("malloc", HostSymbolKind.Function)]
    [TestCase("memcpy", HostSymbolKind.Function, Description = "An IFUNC: the implementation has no exported name.")]
    [TestCase("environ", HostSymbolKind.Data)]
    [TestCase("stdout", HostSymbolKind.Data)]
    [TestCase("errno", HostSymbolKind.Tls)]
    [TestCase("_ZSt4cout", HostSymbolKind.Data)]
    public void TellsWhatASymbolIs(string name, object kind)
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(name);
        Assert.That(_symbols.TryFind(text, out ulong address), Is.True);

        HostSymbol symbol = HostSymbols.Describe(text, address);

        Assert.That(symbol.Kind, Is.EqualTo(kind));
        if (symbol.Kind is HostSymbolKind.Function or HostSymbolKind.Data)
        {
            Assert.That(symbol.Size, name is "memcpy" ? Is.Zero : Is.Not.Zero);
            Assert.That(symbol.Library, Does.Contain(name.StartsWith('_') ? "libstdc++.so" : "libc.so"));
        }
    }

    [TestCase("")]
    [TestCase("elfloader_has_no_such_symbol")]
    [TestCase("malloc\0suffix")]
    [TestCase("atexit", Description = "libc_nonshared.a has it, libc.so.6 does not.")]
    public void FindsNothing(string name) =>
        Assert.That(_symbols.TryFind(System.Text.Encoding.UTF8.GetBytes(name), out _), Is.False);

    [Test]
    public void FindsNothingOfAVeryLongName() =>
        Assert.That(_symbols.TryFind(Enumerable.Repeat((byte)'x', 100_000).ToArray(), out _), Is.False);

    [Test]
    public void LooksUpWithoutAllocating()
    {
        _ = _symbols.TryFind("malloc"u8, out _);
        long before = GC.GetAllocatedBytesForCurrentThread();

        for (int i = 0; i < 100; i++)
        {
            _ = _symbols.TryFind("malloc"u8, out _);
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void SearchesAddedLibrariesLast()
    {
        var symbols = new HostSymbols();
        symbols.AddLibrary("libz.so.1");

        Assert.That(symbols.TryFind("zlibVersion"u8, out ulong address), Is.True);
        Assert.That(HostSymbols.LibraryOf(address), Does.Contain("libz.so"));
    }

    [Test]
    public void NamesALibraryThatCannotBeOpened()
    {
        LinkException? thrown = Assert.Throws<LinkException>(() => _symbols.AddLibrary("/nowhere/libnothing.so"));

        Assert.That(thrown!.Errors[0].Code, Is.EqualTo(LinkErrorCode.File));
        Assert.That(thrown.Message, Does.Contain("/nowhere/libnothing.so"));
    }

    [Test]
    public void FindsThreadLocalVariables()
    {
        Assert.That(_symbols.TryFindTls("errno"u8, out HostTlsSymbol symbol), Is.True);
        Assert.That(_symbols.TryFind("errno"u8, out ulong address), Is.True);

        Assert.That(symbol.TpOffset, Is.EqualTo((long)(address - HostRuntime.Instance.Shim.CurrentThreadPointer)));
        ulong ours = NativeCall.Call(HostRuntime.Instance.Tls.GetAddress, [symbol.Module, symbol.Offset]);
        Assert.That(ours, Is.EqualTo(address));
    }

    [Test]
    public void RefusesOthersAsThreadLocal() => Assert.That(_symbols.TryFindTls("environ"u8, out _), Is.False);
}
