using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Objects that must not load: what is said about them, completely, and that nothing is left of them.</summary>
[Category("EndToEnd")]
public sealed class RefusalTests
{
    [Test]
    public void EveryUndefinedSymbolIsReportedWithWhoRefersToIt()
    {
        LinkException exception = Refused("refused-undefined", "low", "calls_low", "near");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exception.Errors.Select(error => error.Code), Is.All.EqualTo(LinkErrorCode.Undefined));
            foreach (string symbol in (string[])["missing_one", "missing_two", "missing_three"])
            {
                Assert.That(exception.Message, Does.Match($"refused-undefined\\.o.*{symbol}"));
            }

            Assert.That(exception.Message, Does.Match("near\\.o.*distant_data"));
            Assert.That(exception.Message, Does.Match("near\\.o.*distant_function"));
            Assert.That(exception.Message, Does.Not.Contain("low_function"), "it is defined");
        }
    }

    [Test]
    public void DuplicateStrongDefinitionNamesBothObjects()
    {
        LinkException exception = Refused("calls", "callee", "refused-duplicate");

        LinkError error = exception.Errors.Single(error => error.Code is LinkErrorCode.Duplicate);
        Assert.That(error.ToString(), Does.Contain("caller").And.Contain("calls.o").And.Contain("refused-duplicate.o"));
    }

    [Test]
    public void DuplicateOfAnObjectLoadedEarlierIsRefusedToo()
    {
        using var library = new ObjectLibrary("duplicates");
        library.Load(Fixtures.Object("calls"), Fixtures.Object("callee"));

        LinkException exception = Assert.Throws<LinkException>(() => library.Load(Fixtures.Object("refused-duplicate")));

        Assert.That(exception.Message, Does.Contain("calls.o").And.Contain("refused-duplicate.o"));
    }

    [TestCase(0x00, "R_X86_64_8", "abs_256")]
    [TestCase(0x01, "R_X86_64_8", "abs_minus129")]
    [TestCase(0x02, "R_X86_64_16", "abs_65536")]
    [TestCase(0x04, "R_X86_64_32", "abs_4g")]
    [TestCase(0x08, "R_X86_64_32", "abs_minus1")]
    [TestCase(0x0c, "R_X86_64_32S", "abs_2g")]
    [TestCase(0x10, "R_X86_64_PC32", "abs_far")]
    [TestCase(0x14, "R_X86_64_PC16", "abs_far")]
    [TestCase(0x16, "R_X86_64_PC8", "abs_far")]
    public void ValueThatDoesNotFitIsAnErrorWithItsPlace(int offset, string relocation, string symbol)
    {
        LinkException exception = Refused("refused-overflow", "absolutes");

        LinkError error = exception.Errors.Single(error => error.Where.Offset == (ulong)offset);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(error.Code, Is.AnyOf(LinkErrorCode.OutOfRange, LinkErrorCode.Placement));
            Assert.That(error.Where.Section, Is.EqualTo(".data"));
            Assert.That(error.Where.Symbol, Is.EqualTo(symbol));
            Assert.That(error.Relocation, Is.EqualTo(relocation));
            Assert.That(error.Value, Is.Not.Null);
            Assert.That(error.Allowed, Is.Not.Null);
        }
    }

    [Test]
    public void RelocationOutsideItsSectionIsMalformed()
    {
        LinkError error = Refused("refused-bounds").Errors.Single();

        Assert.That((error.Code, error.Where.Section), Is.EqualTo((LinkErrorCode.Malformed, ".data")));
    }

    [Test]
    public void RelocationOfTheDynamicLinkerIsUnsupported()
    {
        LinkError error = Refused("refused-dynamic").Errors.Single();

        Assert.That(error.Code, Is.AnyOf(LinkErrorCode.Unsupported, LinkErrorCode.Malformed));
        Assert.That(error.ToString(), Does.Contain("R_X86_64_COPY"));
    }

    [Test]
    public void UnknownRelocationTypesAreRefused([Range(52, 255, 29)] int type)
    {
        byte[] bytes = File.ReadAllBytes(Fixtures.Object("refused-dynamic"));
        ReadOnlySpan<byte> copyRelocation = [0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0]; // r_offset 0, type 5, symbol 1
        int place = bytes.AsSpan().IndexOf(copyRelocation);
        Assert.That(place, Is.Positive);
        bytes[place + 8] = (byte)type;
        using var library = new ObjectLibrary("unknown");

        LinkException exception = Assert.Throws<LinkException>(() => library.Load(bytes, "unknown.o"));

        Assert.That(exception.Errors.Single().Code, Is.AnyOf(LinkErrorCode.Unsupported, LinkErrorCode.Malformed));
        Assert.That(exception.Message, Does.Contain($"{type}"));
    }

    [Test]
    public void RefusedBatchLeavesNothingBehind()
    {
        using var library = new ObjectLibrary("transaction");

        Assert.Throws<LinkException>(() => library.Load(Fixtures.Object("counter"), Fixtures.Object("refused-undefined")));

        Assert.That(library.TryGetExport("count_up", out _), Is.False);
        library.Load(Fixtures.Object("counter"));
        Assert.That(library.TryGetExport("count_up", out _), Is.True);
    }

    [Test]
    public void CommandLineReportsRefusalsWithStatus125()
    {
        CommandResult result = ElfloadCommand.Run([Fixtures.Object("refused-undefined")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(125));
            Assert.That(result.Output, Is.Empty);
            Assert.That(result.Error, Does.StartWith("elfload: error: refused-undefined.o: .text+0x1: "));
        }
    }

    private static LinkException Refused(params string[] objects)
    {
        using var library = new ObjectLibrary("refused");
        return Assert.Throws<LinkException>(() => library.Load([.. objects.Select(Fixtures.Object)]));
    }
}
