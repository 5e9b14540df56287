using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>Files on their way in: sorted by kind, in the order given, however many are read at once.</summary>
public sealed class InputFilesTests
{
    private static readonly string[] Names = ["hello", "calls", "callee", "data", "data2", "symbols", "symbols2", "tls", "tls2"];

    [Test]
    public void FilesReadTogetherAreInTheOrderGiven()
    {
        using var folder = new TemporaryFolder();
        string archive = folder.File("a.a");
        _ = Command.Check("ar", ["rc", archive, Fixtures.Object("throws")]);
        var inputs = new InputFiles();

        inputs.AddAll([.. Names[..4].Select(Fixtures.Object), archive, .. Names[4..].Select(Fixtures.Object)]);

        Assert.That(inputs.Objects.Select(elf => elf.Name), Is.EqualTo(Names.Select(name => name + ".o")));
        Assert.That(inputs.Archives, Has.Count.EqualTo(1));
        Assert.That(inputs.ObjectsBeforeArchive, Is.EqualTo([4]));
    }

    [Test]
    public void TheFirstFileThatCannotBeReadIsTold()
    {
        using var folder = new TemporaryFolder();
        string text = folder.File("text.o");
        File.WriteAllText(text, "no object");
        var inputs = new InputFiles();

        LinkException exception = Assert.Throws<LinkException>(
            () => inputs.AddAll([Fixtures.Object("hello"), folder.File("missing.o"), text, Fixtures.Object("calls")]))!;

        Assert.That(exception.Errors.Single().Code, Is.EqualTo(LinkErrorCode.File));
        Assert.That(exception.Message, Does.Contain("missing.o"));
        Assert.That(inputs.Objects.Select(elf => elf.Name), Is.EqualTo(["hello.o"]));
    }

    [TestCase("")]
    [TestCase("a\0b")]
    public void WhatIsNoPathIsTheCallersMistake(string path)
    {
        Assert.Throws<ArgumentException>(() => new InputFiles().AddAll([Fixtures.Object("hello"), path]));
        Assert.Throws<ArgumentException>(() => new InputFiles().Add(path));
    }

    [Test]
    public void LinkerScriptsThatNameOneAnotherEndSomewhere()
    {
        using var folder = new TemporaryFolder();
        string script = folder.File("again.a");
        File.WriteAllText(script, $"INPUT({script})");

        LinkException exception = Assert.Throws<LinkException>(() => new InputFiles().Add(script))!;

        Assert.That(exception.Errors.Single().Code, Is.EqualTo(LinkErrorCode.LimitExceeded));
        Assert.That(exception.Message, Does.Contain("again.a").And.Contain("more than 8 times"));
    }
}
