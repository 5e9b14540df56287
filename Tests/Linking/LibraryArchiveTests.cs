using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>Which archive members a load pulls in.</summary>
public sealed class LibraryArchiveTests
{
    private readonly ObjectLibraryOptions _options = LinkTest.Inspecting with { AllowUndefined = false };
    private TemporaryFolder _folder = null!;
    private ObjectLibrary _library = null!;

    [SetUp]
    public void Make()
    {
        _folder = new TemporaryFolder();
        _library = new ObjectLibrary("archives", _options);
    }

    [TearDown]
    public void Dispose()
    {
        _library.Dispose();
        _folder.Dispose();
    }

    /// <summary>A linker script may name shared libraries; what is one itself is taken by another method.</summary>
    [Test]
    public void SharedLibrariesAreNoArchivesAndNoObjects()
    {
        const string library = "/usr/lib/x86_64-linux-gnu/libm.so.6";
        string script = System.IO.Path.Combine(_folder.Path, "script");
        File.WriteAllText(script, $"GROUP ( {library} )\n");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => _library.AddArchive(library), Throws.TypeOf<LinkException>().With.Message.EqualTo(
                $"{library}: this is not an archive but a shared library: AddSharedLibrary takes it"));
            Assert.That(() => _library.Load(library), Throws.TypeOf<LinkException>().With.Message.EqualTo(
                $"{library}: there is no object to load: this is a shared library, which AddSharedLibrary takes"));
            Assert.That(() => _library.AddArchive(script), Throws.Nothing);
            Assert.That(() => _library.Load(script), Throws.TypeOf<LinkException>().With.Message.EqualTo(
                $"{script}: there is no object to load: archives only provide what objects lack"));
        }
    }

    [Test]
    public void LibrariesToSearchAreNotDisposed()
    {
        var disposed = new ObjectLibrary("disposed", _options);
        disposed.Dispose();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => _library.AddLibrary(disposed), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => disposed.AddLibrary(_library), Throws.TypeOf<ObjectDisposedException>());
        }
    }

    [Test]
    public void PullsUntilNothingMoreIsWanted()
    {
        _library.AddArchive(Archive("l.a", LinkTest.Variable("c", 3), LinkTest.Pointer("a", "b"), LinkTest.Variable("d", 4)));
        _library.AddArchive(Archive("m.a", LinkTest.Pointer("b", "c")));

        LoadedUnit unit = _library.Load(LinkTest.Pointer("start", "a"), "start.o");

        Assert.That(unit.Objects.Select(file => file.Elf.Name), Is.EqualTo(
            ["start.o", "l.a(1.o)", "m.a(0.o)", "l.a(0.o)"]));
    }

    [Test]
    public void TheFirstArchiveAndItsFirstMemberWin()
    {
        _library.AddArchive(Archive("l.a", LinkTest.Variable("f", 1), LinkTest.Variable("f", 2)));
        _library.AddArchive(Archive("m.a", LinkTest.Variable("f", 3)));

        _library.Load(LinkTest.Pointer("start", "f"));

        Assert.That(_library.Word("f"), Is.EqualTo(1ul));
    }

    [Test]
    public void WeakReferencesPullNothingButTakeWhatIsThere()
    {
        _library.AddArchive(Archive("l.a", LinkTest.Variable("f", 1)));
        _library.Load(LinkTest.Pointer("alone", "f", SymbolBinding.Weak));
        _library.Load([
            LinkTest.Read(LinkTest.Pointer("weak", "f", SymbolBinding.Weak), "a.o"),
            LinkTest.Read(LinkTest.Pointer("strong", "f"), "b.o"),
        ]);

        Assert.That(_library.Word("alone"), Is.Zero);
        Assert.That(_library.Word("weak"), Is.EqualTo(_library.Word("strong")));
    }

    [Test]
    public void DefinitionsOfTheObjectsPrevail()
    {
        _library.AddArchive(Archive("l.a", LinkTest.Variable("f", 1)));

        LoadedUnit unit = _library.Load([
            LinkTest.Read(LinkTest.Pointer("start", "f"), "a.o"), LinkTest.Read(LinkTest.Variable("f", 2), "b.o"),
        ]);

        Assert.That((unit.Objects.Count, _library.Word("f")), Is.EqualTo((2, 2ul)));
    }

    [Test]
    public void MemberIsPulledOnceAndAgainAfterItWasUnloaded()
    {
        _library.AddArchive(Archive("l.a", LinkTest.Variable("f", 1)));
        LoadedUnit first = _library.Load(LinkTest.Pointer("first", "f"));
        LoadedUnit second = _library.Load(LinkTest.Pointer("second", "f"));
        Assert.That((first.Objects.Count, second.Objects.Count), Is.EqualTo((2, 1)));
        Assert.That(_library.Word("first"), Is.EqualTo(_library.Word("second")));

        second.Unload();
        first.Unload();
        LoadedUnit third = _library.Load(LinkTest.Pointer("third", "f"));

        Assert.That(third.Objects, Has.Count.EqualTo(2));
    }

    [Test]
    public void ExportIsPulled()
    {
        _library.AddArchive(Archive("l.a", LinkTest.Pointer("f", "g"), LinkTest.Variable("g", 7)));

        Assert.That(_library.Word("f"), Is.EqualTo(_library.Address("g")));
        Assert.That(_library.TryGetExport("h", out _), Is.False);
        Assert.That(_library.Units, Has.Count.EqualTo(1));
    }

    [Test]
    public void ArchivesOfAFailedLoadAreNotSearchedLater()
    {
        string archive = Archive("l.a", LinkTest.Variable("f", 1));
        string bad = _folder.File("bad.o");
        File.WriteAllBytes(bad, LinkTest.Pointer("bad", "missing").Build());
        Assert.Throws<LinkException>(() => _library.Load(bad, archive));

        Assert.That(_library.TryGetExport("f", out _), Is.False);
        LinkException exception = Assert.Throws<LinkException>(() => _library.Load(LinkTest.Pointer("p", "f")));
        Assert.That(exception.Message, Does.Contain("undefined symbol 'f'"));
    }

    [Test]
    public void IndexThatLiesPullsAMemberOnce()
    {
        string path = _folder.File("l.a");
        File.WriteAllBytes(path, ArchiveBuilder.Gnu(("0.o", LinkTest.Variable("other", 1).Build())).WithIndex(("f", 0)).Build());
        _library.AddArchive(path);

        LinkException exception = Assert.Throws<LinkException>(() => _library.Load(LinkTest.Pointer("p", "f")));

        Assert.That(exception.Message, Does.Contain("undefined symbol 'f'"));
    }

    [Test]
    public void MemberForAnotherMachineIsRefusedByItsName()
    {
        ElfBuilder foreign = new(machine: ElfConstants.EM_AARCH64);
        foreign.AddSymbol("f", foreign.AddWords(".data", 1));
        _library.AddArchive(Archive("l.a", foreign));
        (int, ulong, int) before = LinkTest.Footprint();

        LinkException exception = Assert.Throws<LinkException>(() => _library.Load(LinkTest.Pointer("p", "f")));

        Assert.That(exception.Message, Does.StartWith("l.a(0.o):").And.Contain("AArch64"));
        Assert.That(LinkTest.Footprint(), Is.EqualTo(before));
    }

    [TestCase("this is no object")]
    [TestCase("")]
    public void MemberThatIsNoObjectIsRefusedByItsName(string content)
    {
        string path = _folder.File("l.a");
        File.WriteAllBytes(
            path, ArchiveBuilder.Gnu(("text", System.Text.Encoding.UTF8.GetBytes(content))).WithIndex(("f", 0)).Build());
        _library.AddArchive(path);

        LinkException exception = Assert.Throws<LinkException>(() => _library.Load(LinkTest.Pointer("p", "f")));

        Assert.That(exception.Message, Does.StartWith("l.a(text):"));
    }

    private string Archive(string name, params ElfBuilder[] members)
    {
        string path = _folder.File(name);
        File.WriteAllBytes(
            path, ArchiveBuilder.Gnu([.. members.Select((member, i) => ($"{i}.o", member.Build()))]).Build());
        return path;
    }
}
