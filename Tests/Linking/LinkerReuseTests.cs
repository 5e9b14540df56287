using System.Runtime.CompilerServices;
using ElfLoader.Elf;
using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// A library keeps the linker of a small load for the next one, which must not be able to tell: its objects become what they
/// become in a library of the same history that makes a linker anew, and do what their source says.
/// </summary>
[NonParallelizable]
public sealed class LinkerReuseTests
{
    private static readonly ElfObject First = LinkSamples.Object("first", LinkSamples.Returns("first_value", "movl $1, %eax"));

    private static readonly byte[][] Names =
    [
        .. LinkSamples.All.SelectMany(sample => sample.Objects).Where(elf => elf.SymbolCount < 100).SelectMany(NamesOf)
            .Distinct().Select(System.Text.Encoding.UTF8.GetBytes),
    ];

    private readonly TemporaryFolder _folder = new();
    private readonly ObjectLibrary _counting = new("counting");
    private string _archive = "";

    [OneTimeSetUp]
    public void MakeWhatAllSee()
    {
        _archive = _folder.File("members.a");
        File.WriteAllBytes(_archive, ArchiveBuilder.Gnu([.. LinkSamples.Members.Select(member => (
                member.Name + ".o", LinkTest.Variable(member.Name, (ulong)member.Value).Build()))])
            .WithIndex([.. LinkSamples.Members.Select((member, i) => (member.Name, i))]).Build());
        _ = _counting.Load(LinkTest.Variable("ended", 0));
    }

    [OneTimeTearDown]
    public void Clear()
    {
        _counting.Dispose();
        _folder.Dispose();
    }

    [TestCaseSource(typeof(LinkSamples), nameof(LinkSamples.All))]
    public void NextLinkIsMadeAsIfThereHadBeenNone(LinkSample earlier)
    {
        foreach (LinkSample later in LinkSamples.All)
        {
            if (later != earlier) // it would define everything twice
            {
                Compare(later, [earlier, later], library => library.Load(earlier.Objects), earlier.IsKept);
            }
        }
    }

    [TestCaseSource(typeof(LinkSamples), nameof(LinkSamples.All))]
    public void NextLinkIsMadeAsIfThereHadBeenNoneThatWasUnloaded(LinkSample earlier)
    {
        foreach (LinkSample later in LinkSamples.All)
        {
            Compare(
                later,
                [earlier, later],
                library =>
                {
                    library.Load(earlier.Objects).Unload();
                    return null;
                },
                earlier.IsKept);
        }
    }

    [Test]
    public void EachLinkIsMadeAsIfThereHadBeenNoneOfAllOthers([Values] bool isBackwards)
    {
        LinkSample[] samples = [.. LinkSamples.All.Where(sample => sample.IsKept)];
        if (isBackwards)
        {
            Array.Reverse(samples);
        }

        for (int i = 1; i < samples.Length; i++)
        {
            LinkSample[] earlier = samples[..i];
            Compare(
                samples[i],
                samples,
                library =>
                {
                    foreach (LinkSample sample in earlier)
                    {
                        library.Load(sample.Objects).Unload();
                    }

                    return null;
                },
                isKept: true);
        }
    }

    [TestCase("undefined", LinkErrorCode.Undefined, ".data\n.quad nowhere, abs")]
    [TestCase("defined already", LinkErrorCode.Duplicate, ".comm fa_common,8,8\n.globl first_value\nfirst_value: ret")]
    [TestCase("out of range", LinkErrorCode.OutOfRange, "call fa_far; call abs@PLT\n.globl fa_far\nfa_far = 0x7fff000000000000")]
    [TestCase("type", LinkErrorCode.Malformed, "pushq fa_value@GOTPCREL(%rip)\n.globl fa_value\nfa_value: .reloc fa_value, R_X86_64_COPY, abs\n.long 0")]
    [TestCase("unwind table", LinkErrorCode.Malformed, "call toupper@PLT\n.section .eh_frame,\"a\",@unwind\n.long 100")]
    [TestCase("too large", LinkErrorCode.LimitExceeded, ".comm fa_huge,0x180000000,64\n.section .tdata,\"awT\",@progbits\n.long 1")]
    public void FailedLinkLeavesNothingToTheNext(string name, LinkErrorCode code, string source)
    {
        ElfObject wrong = LinkSamples.Object(name, source);
        foreach (LinkSample later in LinkSamples.All.Where(sample => !sample.IsIncomplete))
        {
            Compare(
                later,
                [later],
                library =>
                {
                    LoadedUnit first = library.Load([First]);
                    LinkException error = Assert.Throws<LinkException>(() => library.Load([wrong]))!;
                    Assert.That(error.Errors[0].Code, Is.EqualTo(code), error.Message);
                    Assert.That(Idle(library), Is.Null, "a linker that failed is not kept");
                    return first;
                },
                isKept: false,
                allowsUndefined: false);
        }
    }

    [Test]
    public void KeptLinkerHoldsOnToNothing()
    {
        foreach (LinkSample sample in LinkSamples.All.Where(sample => sample.IsKept))
        {
            using var world = new World(this, [], allowsUndefined: true);
            WeakReference[] gone = LoadAndUnload(world, sample);
            GC.Collect();

            Assert.That(Idle(world.Library), Is.Not.Null);
            Assert.That(gone.Select(one => one.Target), Is.All.Null, sample.Name);
        }
    }

    /// <summary>Loads a sample, and unloads it and all that it uses.</summary>
    /// <returns>What may go then.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference[] LoadAndUnload(World world, LinkSample sample)
    {
        world.AddOthers(sample.Uses);
        ElfObject[] objects = [.. sample.Objects.Select(elf => ElfObject.Read(elf.Bytes.ToArray(), elf.Name))];
        LoadedUnit unit = world.Library.Load(objects);
        var allocation = new WeakReference(unit.Resources.Allocation);
        unit.Unload();
        LoadedUnit[] others = [.. world.Others.Values];
        Assert.That(world.UnitsInUse(), Is.Empty);
        world.Others.Clear();
        return [allocation, .. ((object[])[.. objects, unit, .. others]).Select(one => new WeakReference(one))];
    }

    /// <summary>Loads a sample in a library that has kept its linker, and in one that has not.</summary>
    /// <param name="sample">What is loaded.</param>
    /// <param name="all">What is loaded at all, before and now.</param>
    /// <param name="before">Loads what comes before, and returns what is to be unloaded when the comparison is over.</param>
    /// <param name="isKept">Whether a linker is kept from that.</param>
    /// <param name="allowsUndefined">Whether symbols may be missing.</param>
    private void Compare(
        LinkSample sample,
        LinkSample[] all,
        Func<ObjectLibrary, LoadedUnit?> before,
        bool isKept,
        bool allowsUndefined = true)
    {
        string[] uses = [.. all.SelectMany(one => one.Uses).Distinct()];
        using var keeping = new World(this, uses, allowsUndefined);
        using var making = new World(this, uses, allowsUndefined);
        LoadedUnit? left = before(keeping.Library);
        LoadedUnit? leftToo = before(making.Library);
        UnitLinker? kept = Idle(keeping.Library);
        Assert.That(kept is not null, Is.EqualTo(isKept), "whether there is a linker to use again");
        Idle(making.Library) = null;

        LoadedUnit unit = keeping.Library.Load(sample.Objects);
        LoadedUnit expected = making.Library.Load(sample.Objects);

        if (sample.IsKept && kept is not null)
        {
            Assert.That(Idle(keeping.Library), Is.SameAs(kept));
        }

        var account = new UnitAccount(unit, keeping.Others);
        var expectation = new UnitAccount(expected, making.Others);
        Assert.That(account.Lines(Names), Is.EqualTo(expectation.Lines(Names)), sample.Name);
        Assert.That(account.Difference(expectation), Is.Null, sample.Name);
        foreach ((string function, int value) in sample.Values)
        {
            Assert.That((int)NativeCall.Call(keeping.Library.Address(function)), Is.EqualTo(value), function);
            Assert.That((int)NativeCall.Call(making.Library.Address(function)), Is.EqualTo(value), function);
        }

        left?.Unload();
        leftToo?.Unload();
        Assert.That(keeping.UnitsInUse(), Is.EquivalentTo(sample.Uses), sample.Name);
        Assert.That(making.UnitsInUse(), Is.EquivalentTo(sample.Uses), sample.Name);
        foreach (LoadedUnit one in (LoadedUnit[])[unit, expected])
        {
            ulong ended = _counting.Word("ended");
            one.Unload();
            Assert.That(_counting.Word("ended") - ended, Is.EqualTo((ulong)sample.Ended), sample.Name);
        }
    }

    private static IEnumerable<string> NamesOf(ElfObject elf)
    {
        for (int i = elf.FirstGlobalSymbol; i < elf.SymbolCount; i++)
        {
            yield return elf.SymbolNameText(i);
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_idleLinker")]
    private static extern ref UnitLinker? Idle(ObjectLibrary library);

    /// <summary>A library, and the others that it links to.</summary>
    private sealed class World : IDisposable
    {
        private readonly ObjectLibrary _far = new("far", new ObjectLibraryOptions { Placement = MemoryPlacement.Far });
        private readonly ObjectLibrary _low = new("low", new ObjectLibraryOptions { Placement = MemoryPlacement.Low });

        public World(LinkerReuseTests tests, string[] others, bool allowsUndefined)
        {
            Library = new ObjectLibrary("kept", new ObjectLibraryOptions { AllowUndefined = allowsUndefined });
            Library.AddLibrary(_far);
            Library.AddLibrary(_low);
            Library.AddArchive(tests._archive);
            Library.DefineData("ended", tests._counting.GetExport("ended"));
            AddOthers(others);
        }

        public ObjectLibrary Library { get; }

        public Dictionary<string, LoadedUnit> Others { get; } = [];

        /// <summary>Loads units of other libraries that define these names.</summary>
        public void AddOthers(string[] names)
        {
            foreach (string name in names)
            {
                (ulong value, bool isLow) = LinkSamples.Others[name];
                Others.Add(name, (isLow ? _low : _far).Load(LinkTest.Variable(name, value), name));
            }
        }

        /// <summary>Unloads the units of the other libraries that nothing uses.</summary>
        /// <returns>The names of those that something uses.</returns>
        public IReadOnlyList<string> UnitsInUse() => [.. Others.Where(other => !TryUnload(other.Value)).Select(other => other.Key)];

        public void Dispose()
        {
            Library.Dispose();
            _far.Dispose();
            _low.Dispose();
        }

        private static bool TryUnload(LoadedUnit unit)
        {
            try
            {
                unit.Unload();
                return true;
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }
    }
}
