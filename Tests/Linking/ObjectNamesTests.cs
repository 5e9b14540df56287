using System.Text.Json;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Tools;

namespace ElfLoader.Tests.Linking;

/// <summary>Two files of one name, and two members of one name: told apart wherever a person meets their names.</summary>
[Category("EndToEnd")]
public sealed class ObjectNamesTests
{
    private static readonly ToolPrograms Programs = new();

    private static string First => Programs.Path("d1/x.o");

    private static string Second => Programs.Path("d2/x.o");

    private static string Other => Programs.Path("y.o");

    private static string Members => Programs.Path("m.a");

    [OneTimeSetUp]
    public void Compile()
    {
        _ = Directory.CreateDirectory(Programs.Path("d1"));
        _ = Directory.CreateDirectory(Programs.Path("d2"));
        _ = Programs.Build("d1/x.o", "extern int second; int first = 1; int *of_first = &second; void _start(void) {}", "-c");
        _ = Programs.Build("d2/x.o", "extern int other; int second = 2; int *of_second = &other;", "-c");
        _ = Programs.Build("y.o", "int other = 3;", "-c");
        _ = Programs.Build("d1/m.o", "int member_one = 1;", "-c");
        _ = Programs.Build("d2/m.o", "extern int member_one, absent; int member_two = 2; int *of_two = &member_one;", "-c");
        Command.Check("ar", ["qcs", Members, Programs.Path("d1/m.o"), Programs.Path("d2/m.o")]);
        _ = Programs.Build("z.o", "extern int member_two; int *of_z = &member_two; void _start(void) {}", "-c");
    }

    [OneTimeTearDown]
    public void Remove() => Programs.Dispose();

    /// <summary>However files come in, one by one or together.</summary>
    [Test]
    public void FilesOfOneNameHaveTheirPaths([Values] bool together)
    {
        InputFiles inputs = new();
        string[] paths = [First, Other, Second];
        if (together)
        {
            inputs.AddAll(paths);
        }
        else
        {
            Array.ForEach(paths, inputs.Add);
        }

        Assert.That(inputs.Objects.Select(elf => elf.Name), Is.EqualTo([First, "y.o", Second]));
    }

    [Test]
    public void TheSameFileTwiceIsNoOtherFile()
    {
        InputFiles inputs = new();
        inputs.AddAll([First, First]);

        Assert.That(inputs.Objects.Select(elf => elf.Name), Is.EqualTo(["x.o", "x.o"]));
        LinkException exception = Assert.Throws<LinkException>(() => new ImageLinker(new ImageOptions { AllowUndefined = true }).Link(inputs))!;
        Assert.That(exception.Message, Does.Contain("x.o: 'first' is defined already by another object of that name, or by the same one, given twice"));
    }

    [Test]
    public void ArchivesOfOneNameHaveTheirPaths()
    {
        string one = Programs.Path("d1/l.a");
        string two = Programs.Path("d2/l.a");
        File.Copy(Members, one, overwrite: true);
        File.Copy(Members, two, overwrite: true);
        InputFiles inputs = new();
        inputs.AddAll([one, two]);

        Assert.That(inputs.Archives.Select(archive => archive.Name), Is.EqualTo([one, two]));
        Assert.That(inputs.Archives[1].Members.Select(member => member.FullName), Is.EqualTo([$"{two}(m.o)", $"{two}(m.o#2)"]));
    }

    /// <summary>In a library: what is queued by several calls, and errors about it.</summary>
    [Test]
    public void ObjectsThatAreQueuedHaveTheirPaths()
    {
        using var library = new ObjectLibrary("names");
        library.Add(First);
        library.Add(Second);
        library.Add(Members);

        LinkException exception = Assert.Throws<LinkException>(() => library.Link())!;
        Assert.That(exception.Errors.Single().Where.Object, Is.EqualTo(Second), exception.Message);

        library.Add(Other);
        LoadedUnit unit = library.Link()!;
        Assert.That(
            LinkMap.Of([unit]).Symbols.Where(symbol => symbol.Name is "first" or "second").Select(symbol => symbol.Object),
            Is.EqualTo([First, Second]));
    }

    [Test]
    public void ObjectsThatAreLoadedOneAfterTheOtherAreToldApart()
    {
        using var library = new ObjectLibrary("names", new ObjectLibraryOptions { AllowUndefined = true });
        string again = Programs.Build("d2/first.o", "int first = 1;", "-c");
        _ = Directory.CreateDirectory(Programs.Path("d3"));
        File.Copy(again, Programs.Path("d3/x.o"), overwrite: true);
        _ = library.Load(First);

        LinkException exception = Assert.Throws<LinkException>(() => library.Load(Programs.Path("d3/x.o")))!;

        Assert.That(exception.Message, Is.EqualTo("x.o: 'first' is defined already by another object of that name, or by the same one, given twice"));
    }

    [Test]
    public void DuplicatesNameBothFiles()
    {
        string copy = Programs.Path("d2/first/x.o");
        _ = Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
        File.Copy(First, copy, overwrite: true);

        CommandResult result = ElfloadCommand.Invoke("link", First, copy, Second, Other, "-o", Programs.Path("out"));

        Assert.That(result.Error, Does.Contain($"{copy}: 'first' is defined already by {First}"));
        Assert.That(result.Status, Is.EqualTo(1));
    }

    /// <summary>Map, ledger, page and list of one link.</summary>
    [Test]
    public void EveryOutputTellsThemApart()
    {
        string map = Programs.Path("map.json");
        string ledger = Programs.Path("ledger.json");
        string page = Programs.Path("page.html");
        string[] inputs = [First, Second, Other, Programs.Path("z2.o"), Members];
        _ = Programs.Build("z2.o", "extern int member_two; int *of_z = &member_two;", "-c");
        Succeeds(["link", .. inputs, "-o", Programs.Path("out"), "--map", map]);
        Succeeds(["explain", .. inputs, $"--json={ledger}"]);
        Succeeds(["report", .. inputs, "-o", page]);
        CommandResult text = Succeeds(["explain", .. inputs]);
        CommandResult summary = Succeeds(["inspect", First, Second, Members]);

        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(map));
        Dictionary<string, string> objects = document.RootElement.GetProperty("symbols").EnumerateArray()
            .Where(symbol => symbol.GetProperty("object").GetString() is not null)
            .GroupBy(symbol => symbol.GetProperty("name").GetString()!)
            .ToDictionary(group => group.Key, group => group.First().GetProperty("object").GetString()!);
        Assert.That(objects["first"], Is.EqualTo(First));
        Assert.That(objects["second"], Is.EqualTo(Second));
        Assert.That(objects["other"], Is.EqualTo("y.o"));
        Assert.That(objects["member_one"], Is.EqualTo("m.a(m.o)"));
        Assert.That(objects["member_two"], Is.EqualTo("m.a(m.o#2)"));
        Assert.That(File.ReadAllText(ledger), Does.Contain($"\"object\":\"{First}\"").And.Contain("\"provider\":\"m.a(m.o)\"")
            .And.Contain("\"object\":\"m.a(m.o#2)\""));
        Assert.That(File.ReadAllText(page), Does.Contain($"\"{First}\"").And.Contain("\"m.a(m.o#2)\""));
        Assert.That(text.Output, Does.Contain($"{First}: .data").And.Contain($"{Second}: .data").And.Contain("m.a(m.o#2): .data"));
        Assert.That(summary.Output, Does.Contain($"{First}: object").And.Contain($"{Second}: object").And.Contain("m.o#2"));
    }

    [Test]
    public void MappingsNameOneOfThem()
    {
        string map = Programs.Path("mapped.json");
        Succeeds(
        [
            "link", First, Second, Other, "-o", Programs.Path("out"), "--map", map,
            "--map-section", $"{First},.data=0x10000000", "--map-section", $"{Second},.data=0x20000000", "--map-section", "y.o,.data=0x30000000",
        ]);
        Assert.That(AddressOf(map, First), Is.EqualTo("0x10000000"));
        Assert.That(AddressOf(map, Second), Is.EqualTo("0x20000000"));
        Assert.That(AddressOf(map, "y.o"), Is.EqualTo("0x30000000"));

        Succeeds(
        [
            "link", Programs.Path("z.o"), Members, "-o", Programs.Path("out"), "--map", map,
            "--map-section", "m.a(m.o#1),.data=0x10000000", "--map-section", "m.a(m.o#2),.data=0x20000000",
        ]);
        Assert.That(AddressOf(map, "m.a(m.o)"), Is.EqualTo("0x10000000"));
        Assert.That(AddressOf(map, "m.a(m.o#2)"), Is.EqualTo("0x20000000"));

        CommandResult ambiguous = ElfloadCommand.Invoke(
            "link", First, Second, Other, "-o", Programs.Path("out"), "--map-section", "x.o,.data=0x10000000");
        Assert.That(ambiguous.Error, Does.Contain("several objects have this name; give the path of one: ").And.Contain(First).And.Contain(Second));
        Assert.That(ambiguous.Status, Is.EqualTo(2));
    }

    private static string? AddressOf(string map, string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(map));
        return document.RootElement.GetProperty("sections").EnumerateArray()
            .Single(section => section.GetProperty("object").GetString() == name && section.GetProperty("section").GetString() is ".data")
            .GetProperty("address").GetString();
    }

    private static CommandResult Succeeds(string[] arguments)
    {
        CommandResult result = ElfloadCommand.Invoke(arguments);
        Assert.That(result.Status, Is.Zero, result.Error);
        return result;
    }
}
