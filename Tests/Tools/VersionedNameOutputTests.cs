using System.Text.Json;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>Names of C++ with a version read the same in JSON, in text and as GNU's tools show them: the version stays behind.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class VersionedNameOutputTests
{
    private const string Source = """
        __asm__(".symver _Z5valuei,_Z5valuei@V1");
        __asm__(".symver _Z5valuel,_Z5valuel@@V2");
        int value(int number) { return number; }
        int value(long number) { return (int)number; }
        """;

    [Test]
    public void InspectShowsThemAsNmDoes()
    {
        using var programs = new ToolPrograms();
        string file = programs.Write("versions.cpp", Source);
        string compiled = programs.Path("versions.o");
        Command.Check("g++-12", ["-c", file, "-o", compiled]);
        string[] expected = [.. Command.Check("nm", ["-C", compiled]).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line[19..]).Where(name => name.Contains('@', StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Assert.That(expected, Has.Length.EqualTo(2));

        string text = ElfloadCommand.Invoke("inspect", compiled, "--symbols").Output;
        using JsonDocument json = JsonDocument.Parse(ElfloadCommand.Invoke("inspect", "--json", compiled, "--symbols").Output);

        string[] shown = [.. Demangled(json.RootElement).Where(name => name.Contains('@', StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Assert.That(shown, Is.EqualTo(expected));
        Assert.That(expected.Where(name => !text.Contains(name, StringComparison.Ordinal)), Is.Empty);
    }

    [TestCase("_Z3fooi@V1", "foo(int)@V1")]
    [TestCase("_Z3fooi@@V1", "foo(int)@@V1")]
    [TestCase("_Z3fooi@@@V1", "foo(int)@@@V1")]
    [TestCase("_ZN1a1bEv@GLIBCXX_3.4.11", "a::b()@GLIBCXX_3.4.11")]
    [TestCase("_Z9@V1", null)]
    [TestCase("_Z5foo@V", null)]
    public void NamesAndTextsReadTheSame(string name, string? expected)
    {
        Assert.That(CxxNames.Demangle(name), Is.EqualTo(expected));
        Assert.That(CxxNames.InText(name), Is.EqualTo(expected ?? name));
    }

    private static IEnumerable<string> Demangled(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member =>
            member.NameEquals("demangled") && member.Value.GetString() is { } name ? [name] : Demangled(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Demangled),
        _ => [],
    };
}
