using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Tools;

namespace ElfLoader.Tests.Linking;

/// <summary>Images of archives without an object, and what is told where nothing is wanted of them, or the host is meant.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.Children)]
public sealed class ArchiveAloneTests
{
    private static readonly ToolPrograms Programs = new();

    [OneTimeSetUp]
    public void Compile() => Programs.Archive(
        "alone.a",
        Programs.Compile("main", "int used(void); int main(void) { return used(); }"),
        Programs.Compile("used", "int used(void) { return 7; }"),
        Programs.Compile("unused", "int unused(void) { return 8; }"));

    [OneTimeTearDown]
    public void Remove() => Programs.Dispose();

    /// <summary>The same members as lld takes.</summary>
    [TestCase("-u main -e main")]
    [TestCase("-u main")]
    [TestCase("-e main")]
    [TestCase("-e used")]
    [TestCase("-u unused -e main")]
    public void MembersThatAreWantedAreLinked(string options)
    {
        string name = options.Replace(" ", "", StringComparison.Ordinal);
        (string ours, string theirs) = (Programs.Path($"{name}.ours"), Programs.Path($"{name}.lld"));
        string[] words = options.Split(' ');

        CommandResult linked = ElfloadCommand.Invoke(["link", Programs.Path("alone.a"), .. words, "-o", ours]);
        Command.Check("ld.lld-19", [Programs.Path("alone.a"), .. words, "-o", theirs]);

        Assert.That(linked.Status, Is.Zero, linked.Error);
        Assert.That(Functions(ours), Is.Not.Empty.And.EqualTo(Functions(theirs)));
    }

    [TestCase("", "'_start'")]
    [TestCase("-u nosuch", "'nosuch' or '_start'")]
    [TestCase("-e nosuch", "'nosuch'")]
    public void WhatToDoIsToldWhereNoMemberIsWanted(string options, string names)
    {
        CommandResult linked = ElfloadCommand.Invoke(
            ["link", Programs.Path("alone.a"), "-o", Programs.Path("none"), .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Assert.That(
            (linked.Status, linked.Error),
            Is.EqualTo((1, $"elfload: error: there is no object to link, and no member of an archive is wanted, for none defines {names}: "
                + "give an object, or name a symbol of a member (-u NAME, --entry NAME)\n")));
    }

    /// <summary>Only once in a link, and only for names that the host has.</summary>
    [TestCase("link", "int printf(const char *, ...), puts(const char *); int main(void) { return printf(\"\") + puts(\"\"); }", "libc.a", 1)]
    [TestCase("explain", "int printf(const char *, ...); int main(void) { return printf(\"\"); }", "libc.a", 1)]
    [TestCase("link", "double tgamma(double); double main2(double x) { return tgamma(x); }", "libm.a", 1)]
    [TestCase("link", "int nowhere_at_all(void); int main(void) { return nowhere_at_all(); }", "", 0)]
    public void NamesOfTheHostAreTold(string command, string source, string archive, int times)
    {
        string file = Programs.Compile($"host{command}{archive}{times}", source, "-fno-builtin");

        CommandResult result = ElfloadCommand.Invoke([command, file, .. command is "link" ? (string[])["-o", Programs.Path("host")] : []]);

        const string advice = ", which this machine's libraries have, but nothing is taken from there: give the target's library as an archive (";
        Assert.That(result.Status, Is.EqualTo(1));
        Assert.That(result.Error.Split(advice), Has.Length.EqualTo(times + 1), result.Error);
        Assert.That(result.Error, times is 0 ? Does.EndWith("'nowhere_at_all'\n") : Does.Contain($"{advice}{archive}), or an address (--define, --allow-undefined)"));
    }

    private static string[] Functions(string image) =>
        [.. Command.Check("nm", ["--defined-only", image]).Split('\n').Where(line => line.Contains(" T ", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[^1]).Order()];
}
