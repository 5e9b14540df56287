using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>Which of two definitions prevails, or what is said: every pair, in one batch and one after the other.</summary>
public sealed class SymbolRulesTests
{
    // Strong, Protected, Hidden, Internal, Absolute; Weak, Unique, weak in a Group; Common; weak and other references.
    private const string Kinds = "SPHIAWUGCwu";

    // Row: the first object's symbol; column: the second's. 1, 2: whose is seen; c: the common symbol; 0: null;
    // E: duplicate; M: missing. As the gABI has it ("Symbol Table").
    private static readonly string[] InOneBatch =
    [
        "EEEEE111111", "EEEEE111111", "EEEEE111111", "EEEEE111111", "EEEEE111111",
        "22222111c11", "22222111c11", "22222111c11", "22222cccccc", "22222222c0M", "22222222cMM",
    ];

    // What the second object sees; the first one keeps what it saw. What has been linked prevails over common symbols.
    private static readonly string[] OneAfterTheOther =
    [
        "EEEEE111111", "EEEEE111111", "EEEEE111111", "EEEEE111111", "EEEEE111111",
        "22222111111", "22222111111", "22222111111", "22222cccccc", "22222222c0M", "MMMMMMMMMMM",
    ];

    [TestCaseSource(nameof(Pairs))]
    public void PrevailsInOneBatch(char first, char second)
    {
        char expected = InOneBatch[Kinds.IndexOf(first)][Kinds.IndexOf(second)];
        using var library = new ObjectLibrary("batch");

        char seen = Outcome(() => library.Load([Side(first, 1), Side(second, 2)]), out string message);

        Assert.That(seen, Is.EqualTo(expected is 'E' or 'M' ? expected : ' '), message);
        if (seen is ' ')
        {
            Assert.That((Seen(library, 1), Seen(library, 2)), Is.EqualTo((expected, expected)));
        }
        else if (seen is 'E')
        {
            Assert.That(message, Does.Contain("first.o").And.Contain("second.o").And.Contain("'x'"));
        }
    }

    [TestCaseSource(nameof(Pairs))]
    public void PrevailsOneAfterTheOther(char first, char second)
    {
        char expected = OneAfterTheOther[Kinds.IndexOf(first)][Kinds.IndexOf(second)];
        using var library = new ObjectLibrary("batches");

        char seen = Outcome(
            () =>
            {
                library.Load([Side(first, 1)]);
                library.Load([Side(second, 2)]);
            },
            out string message);

        Assert.That(seen, Is.EqualTo(expected is 'E' or 'M' ? expected : ' '), message);
        if (seen is ' ')
        {
            char alone = first switch { 'C' => 'c', 'w' => '0', _ => '1' };
            Assert.That((Seen(library, 1), Seen(library, 2)), Is.EqualTo((alone, expected)));
        }
        else if (seen is 'E')
        {
            Assert.That(message, Does.Contain("first.o").And.Contain("second.o").And.Contain("'x'"));
        }
    }

    [TestCase('S', ExpectedResult = '1')]
    [TestCase('P', ExpectedResult = '1')]
    [TestCase('A', ExpectedResult = '1')]
    [TestCase('W', ExpectedResult = '1')]
    [TestCase('U', ExpectedResult = '1')]
    [TestCase('G', ExpectedResult = '1')]
    [TestCase('C', ExpectedResult = 'c')]
    [TestCase('H', ExpectedResult = 'M')]
    [TestCase('I', ExpectedResult = 'M')]
    public char IsSeenByALibraryThatLinksToIt(char kind)
    {
        using var first = new ObjectLibrary("first");
        using var second = new ObjectLibrary("second");
        second.AddLibrary(first);
        first.Load([Side(kind, 1)]);

        char outcome = Outcome(() => second.Load([Side('u', 2)]), out _);

        char seen = outcome is ' ' ? Seen(second, 2) : outcome;
        second.Unload();
        return seen;
    }

    [TestCase('H')]
    [TestCase('I')]
    public void HiddenIsNotExported(char kind)
    {
        using var library = new ObjectLibrary("hidden");
        library.Load([Side(kind, 1)]);

        Assert.That(library.TryGetExport("x", out _), Is.False);
        Assert.Throws<EntryPointNotFoundException>(() => library.GetExport("x"));
    }

    [TestCase(SymbolVisibility.Default, SymbolVisibility.Hidden)]
    [TestCase(SymbolVisibility.Hidden, SymbolVisibility.Protected)]
    [TestCase(SymbolVisibility.Protected, SymbolVisibility.Internal)]
    public void TheMostConstrainingVisibilityOfReferencesAndDefinitionsCounts(
        SymbolVisibility definition, SymbolVisibility reference)
    {
        ElfBuilder defining = new();
        defining.AddSymbol("x", defining.AddWords(".data", 1), visibility: definition);
        ElfBuilder referring = new();
        referring.AddSymbol("x", visibility: reference);
        using var library = new ObjectLibrary("visibility");

        library.Load([LinkTest.Read(defining, "a.o"), LinkTest.Read(referring, "b.o")]);

        Assert.That(library.TryGetExport("x", out _), Is.False);
    }

    [Test]
    public void CommonSymbolsGetTheLargestSizeAndAlignment()
    {
        ElfBuilder first = new();
        first.AddSymbol("x", SHN_COMMON, value: 64, size: 8, type: SymbolType.Object);
        ElfBuilder second = new();
        int sizes = second.AddWords(".data", 0);
        int common = second.AddSymbol("x", SHN_COMMON, value: 8, size: 400, type: SymbolType.Object);
        second.AddSymbol("size", sizes);
        second.AddRelocation(sizes, 0, 33, common); // R_X86_64_SIZE64
        using var library = new ObjectLibrary("commons");

        library.Load([LinkTest.Read(first, "a.o"), LinkTest.Read(second, "b.o")]);

        Assert.That((library.Address("x") % 64, library.Word("size")), Is.EqualTo((0ul, 400ul)));
    }

    [Test]
    public void CommonSymbolThatHasBeenGivenLessRoomIsRefused()
    {
        ElfBuilder small = new();
        small.AddSymbol("x", SHN_COMMON, value: 8, size: 8);
        ElfBuilder large = new();
        large.AddSymbol("x", SHN_COMMON, value: 8, size: 80);
        using var library = new ObjectLibrary("commons");
        library.Load(small, "small.o");

        LinkException refusal = Assert.Throws<LinkException>(() => library.Load(large, "large.o"));

        Assert.That(refusal.Message, Does.Contain("large.o").And.Contain("small.o").And.Contain("80").And.Contain("8 bytes"));
    }

    [Test]
    public void TheSameNumberTwiceContradictsNothing()
    {
        ElfBuilder elf = new();
        elf.AddSymbol("x", SHN_ABS, value: 7);
        using var library = new ObjectLibrary("numbers");

        library.Load([LinkTest.Read(elf, "a.o"), LinkTest.Read(elf, "b.o")]);

        Assert.That(library.Address("x"), Is.EqualTo(7ul));
    }

    [Test]
    public void LocalsOfTheSameNameAreDifferent()
    {
        using var library = new ObjectLibrary("locals");

        library.Load([.. Enumerable.Range(1, 2).Select(number =>
        {
            ElfBuilder elf = new();
            int data = elf.AddWords(".data", (ulong)number, 0);
            int local = elf.AddSymbol("x", data, binding: SymbolBinding.Local);
            elf.AddSymbol($"seen{number}", data, value: 8);
            elf.AddRelocation(data, 8, 1, local);
            return LinkTest.Read(elf, $"{number}.o");
        })]);

        Assert.That((Seen(library, 1), Seen(library, 2)), Is.EqualTo(('1', '2')));
    }

    private static IEnumerable<TestCaseData> Pairs() =>
        from first in Kinds
        from second in Kinds
        select new TestCaseData(first, second).SetArgDisplayNames($"{first} then {second}");

    private static char Outcome(Action load, out string message)
    {
        message = "";
        try
        {
            load();
            return ' ';
        }
        catch (LinkException exception)
        {
            message = exception.Message;
            return exception.Errors[0].Code is LinkErrorCode.Duplicate ? 'E'
                : exception.Errors[0].Code is LinkErrorCode.Undefined ? 'M' : '?';
        }
    }

    /// <summary>Whose x the object with this number sees.</summary>
    private static char Seen(ObjectLibrary library, int number)
    {
        ulong address = library.Word($"seen{number}");
        return address switch
        {
            0 => '0',
            < 0x2000 => (char)('0' + (address - 0x1000)),
            _ => NativeBytes.LoadWord(address) is var value and not 0 ? (char)('0' + value) : 'c',
        };
    }

    /// <summary>An object with an x of that kind, and a variable that holds its address.</summary>
    private static ElfObject Side(char kind, byte number)
    {
        ElfBuilder elf = new();
        int data = elf.AddWords(".data", number, 0);
        int member = kind is 'G' ? elf.AddWords(".data.x", number) : data;
        int x = kind switch
        {
            'A' => elf.AddSymbol("x", SHN_ABS, value: 0x1000u + number),
            'C' => elf.AddSymbol("x", SHN_COMMON, value: 8, size: 8, type: SymbolType.Object),
            'w' => elf.AddSymbol("x", binding: SymbolBinding.Weak),
            'u' => elf.AddSymbol("x"),
            _ => elf.AddSymbol(
                "x",
                member,
                0,
                8,
                kind switch { 'W' or 'G' => SymbolBinding.Weak, 'U' => SymbolBinding.GnuUnique, _ => SymbolBinding.Global },
                SymbolType.Object,
                kind switch
                {
                    'P' => SymbolVisibility.Protected,
                    'H' => SymbolVisibility.Hidden,
                    'I' => SymbolVisibility.Internal,
                    _ => SymbolVisibility.Default,
                }),
        };
        if (kind is 'G')
        {
            elf.AddGroup(x, isComdat: true, member);
        }

        elf.AddSymbol($"seen{number}", data, 8, 8, type: SymbolType.Object);
        elf.AddRelocation(data, 8, 1, x);
        return LinkTest.Read(elf, number is 1 ? "first.o" : "second.o");
    }
}
