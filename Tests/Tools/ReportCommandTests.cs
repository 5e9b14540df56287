using System.Globalization;
using System.Text.Json;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>What a browser shows of <c>elfload report</c>.</summary>
[Category("EndToEnd")]
public sealed class ReportCommandTests
{
    /// <summary>Members of SQLite, with some seven thousand relocations.</summary>
    private static readonly string[] Members = ["btree.o", "vdbe.o", "select.o", "fts5.o", "main.o"];

    private ToolPrograms _programs = null!;
    private string[] _objects = null!;
    private Browser _browser = null!;
    private string _report = null!;

    [OneTimeSetUp]
    public void Make()
    {
        _programs = new ToolPrograms();
        Command.Check("ar", ["x", "/usr/lib/x86_64-linux-gnu/libsqlite3.a", .. Members], Path.GetDirectoryName(_programs.Path("x")));
        _objects = [.. Members.Select(_programs.Path)];
        _report = Report("sqlite.html", [.. _objects, "--allow-undefined"]);
        _browser = new Browser();
    }

    [OneTimeTearDown]
    public void Dispose()
    {
        _browser.Dispose();
        _programs.Dispose();
    }

    [Test]
    public void ShowsEveryRelocation()
    {
        string[] all = [.. Relocations()];
        Browser.Page page = _browser.Open($"{_report}#ledger");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(all, Has.Length.GreaterThan(5_000));
            Assert.That(Count(page), Is.EqualTo($"{all.Length:N0}"));
            Assert.That(int.Parse(page.Text("document.querySelectorAll('.row').length")), Is.InRange(10, 200), "drawn are those in sight");
        }
    }

    /// <summary>What is searched for can stand in the address.</summary>
    [TestCase("q=memcpy", "memcpy", null)]
    [TestCase("q=memcpy%20btree.o", "memcpy", null, "btree.o")]
    [TestCase("type=R_X86_64_PLT32", "", "R_X86_64_PLT32")]
    [TestCase("type=R_X86_64_PC32&object=vdbe.o", "", "R_X86_64_PC32", "vdbe.o")]
    public void SearchesAndFilters(string fragment, string symbol, string? type, string? file = null)
    {
        int expected = Relocations(file).Count(row => row.Contains(symbol, StringComparison.Ordinal)
            && (type is null || row.StartsWith($"{type} ", StringComparison.Ordinal)));
        Browser.Page page = _browser.Open($"{_report}#ledger?{fragment}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(expected, Is.Positive);
            Assert.That(Count(page), Is.EqualTo($"{expected:N0} of {Relocations().Count():N0}"));
            Assert.That(
                page.Texts("[...document.querySelectorAll('.row')].map(row => row.textContent)"),
                Has.All.Contain(symbol).And.All.Contain(type ?? ""));
        }
    }

    /// <summary>From the search to the instruction and back, without a mouse.</summary>
    [Test]
    public void WorksWithTheKeyboard()
    {
        JsonElement[] patches = Explain([.. _objects, "--allow-undefined", "--symbol", "memcpy"]);
        Browser.Page page = _browser.Open(_report);
        page.Press("4");
        page.Press("/");
        page.Type("memcpy");
        string found = Count(page);
        page.Press("Enter");
        page.Press("j");
        page.Press("ArrowDown");
        string detail = page.Text("document.getElementById('detail').innerText");
        page.Press("Enter");
        string view = page.Text("document.body.dataset.view");
        string line = page.Text("document.querySelector('.row[aria-selected=true]').innerText");
        string marked = page.Text(
            "[...document.querySelectorAll('.row[aria-selected=true] mark')].map(mark => mark.textContent).join('')");
        page.Press("n");
        string next = page.Text("document.querySelector('.row[aria-selected=true]').innerText");
        page.Press("p");
        string back = page.Text("document.querySelector('.row[aria-selected=true]').innerText");
        page.Press("Enter");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found, Does.StartWith($"{Relocations().Count(row => row.Contains("memcpy", StringComparison.Ordinal)):N0} of "));
            Assert.That(detail, Does.Contain($"at {patches[2].GetProperty("address").GetString()}"));
            Assert.That(detail, Does.Contain("nothing defines it").And.Contain(patches[2].GetProperty("formula").GetString()));
            Assert.That(view, Is.EqualTo("code"));
            Assert.That(line, Does.Contain(patches[2].GetProperty("instruction_after").GetString()));
            Assert.That(marked, Is.EqualTo(patches[2].GetProperty("after").GetString()));
            Assert.That(next, Is.Not.EqualTo(line));
            Assert.That(back, Is.EqualTo(line));
            Assert.That(page.Text("document.body.dataset.view"), Is.EqualTo("ledger"));
        }
    }

    [Test]
    public void ChangesBetweenLightAndDark()
    {
        Browser.Page page = _browser.Open(_report);
        const string background = "getComputedStyle(document.body).backgroundColor";
        string before = page.Text(background);
        page.Press("t");

        Assert.That(page.Text(background), Is.Not.EqualTo(before));
        page.Press("t");
        Assert.That(page.Text(background), Is.EqualTo(before));
    }

    [Test]
    public void ShowsTheAddressSpaceTheSectionsAndTheSymbols()
    {
        JsonElement map = JsonDocument.Parse(ElfloadCommand.Invoke(
            ["explain", .. _objects, "--allow-undefined", "--json=/dev/null", "--map", "-"]).Output).RootElement;
        Browser.Page page = _browser.Open(_report);
        string[] segments = page.Texts(
            "[...document.querySelectorAll('.segment h2 span:first-child')].map(head => head.textContent)");
        page.Press("2");
        string sections = Count(page);
        page.Press("3");
        page.Press("/");
        page.Type("sqlite3BtreeOpen");
        string symbol = page.Text("document.querySelector('.row').innerText");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                segments.Select(text => text.Split(' ')[0]),
                Is.EqualTo(map.GetProperty("segments").EnumerateArray()
                    .Select(segment => segment.GetProperty("address").GetString())));
            Assert.That(sections, Is.EqualTo($"{map.GetProperty("sections").GetArrayLength():N0}"));
            Assert.That(symbol, Does.Contain(map.GetProperty("symbols").EnumerateArray()
                .Single(row => row.GetProperty("name").GetString() is "sqlite3BtreeOpen").GetProperty("address").GetString()));
        }
    }

    /// <summary>Searching thousands of rows, and scrolling through them, takes no time that a person would notice.</summary>
    [Test]
    public void IsFast()
    {
        Browser.Page page = _browser.Open($"{_report}#ledger");
        double milliseconds = double.Parse(
            page.Text("""
                (() => {
                  const start = performance.now();
                  for (const text of ['mem', 'R_X86_64_PC32 select', 'nothing at all', '']) {
                    const box = document.getElementById('search');
                    box.value = text;
                    box.dispatchEvent(new Event('input'));
                  }
                  for (let i = 0; i < 100; i++) {
                    document.querySelector('.port').scrollTop = i * 997;
                    document.querySelector('.port').dispatchEvent(new Event('scroll'));
                  }
                  return performance.now() - start;
                })()
                """),
            CultureInfo.InvariantCulture);

        Assert.That(milliseconds, Is.LessThan(3_000), "4 searches and 100 scrolls, on a busy machine");
    }

    [Test]
    public void NeedsNothingElseAndHasNoProblems()
    {
        Browser.Page page = _browser.Open(_report);
        foreach (string key in (string[])["1", "2", "3", "4", "5", "?", "Escape"])
        {
            page.Press(key);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(page.Requests.Distinct(), Is.EqualTo([_report]));
            Assert.That(page.Problems, Is.Empty);
        }
    }

    /// <summary>Names are text: those of files, sections and symbols that would be markup, script or another text.</summary>
    [Test]
    public void ShowsHostileNamesAsTheyAre()
    {
        const string script = "</script><script>window.harmed=1</script>";
        const string image = "\"><img src=x onerror=window.harmed=1>";
        const string backwards = "safe\u202etxt.exe";
        ElfBuilder builder = new();
        int text = builder.AddCode(".text<b>", 0xe8, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0);
        foreach ((string name, int i) in ((string[])[script, image, backwards, "{{data}}"]).Select((name, i) => (name, i)))
        {
            builder.AddRelocation(text, (ulong)((5 * i) + 1), 4, builder.AddSymbol(name), -4);
        }

        string path = _programs.Path("{{script}}<i>'&quot;.o");
        File.WriteAllBytes(path, builder.Build());
        Browser.Page page = _browser.Open($"{Report("hostile.html", path, "--allow-undefined")}#ledger");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                page.Texts("[...document.querySelectorAll('.row')].map(row => row.children[3].textContent)"),
                Is.EqualTo([script, image, @"safe\u{202e}txt.exe", "{{data}}"]));
            Assert.That(
                page.Text("document.querySelector('.row').children[0].textContent"),
                Is.EqualTo("{{script}}<i>'&quot;.o: .text<b>+0x1"));
            Assert.That(page.Text("document.getElementById('title').textContent"), Is.EqualTo("{{script}}<i>'&quot;.o"));
            Assert.That(page.Text("window.harmed"), Is.EqualTo("undefined"));
            Assert.That(page.Problems, Is.Empty);
        }
    }

    [Test]
    public void ShowsThumbCode()
    {
        string path = _programs.Compile(
            "thumb", "int f(int x); int g(int x) { return f(x) + 1; }", "--target=armv7-linux-gnueabihf", "-mthumb");
        Browser.Page page = _browser.Open($"{Report("thumb.html", path, "--define", "f=0x28000:thumb")}#code");

        Assert.That(
            page.Texts("[...document.querySelectorAll('.row')].map(row => row.children[2].textContent)"),
            Does.Contain("g:").And.Contain("bl #0x28000").And.Contain("adds r0, #1"));
    }

    private string Report(string name, params IEnumerable<string> arguments)
    {
        CommandResult result = ElfloadCommand.Invoke(["report", .. arguments, "-o", _programs.Path(name)]);
        Assert.That(result, Has.Property("Status").Zero.And.Property("Error").Empty);
        return $"file://{_programs.Path(name)}";
    }

    private static JsonElement[] Explain(IEnumerable<string> arguments)
    {
        CommandResult result = ElfloadCommand.Invoke(["explain", "--json", .. arguments]);
        Assert.That(result.Status, Is.Zero, result.Error);
        return [.. result.Output.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];
    }

    private static string Count(Browser.Page page) => page.Text("document.getElementById('count').textContent");

    /// <summary>
    /// Type and symbol of each relocation, as readelf lists them; no section of these objects stays out of the image.
    /// </summary>
    private IEnumerable<string> Relocations(string? file = null) =>
        from path in _objects
        where file is null || Path.GetFileName(path) == file
        from line in Command.Check("llvm-readelf-19", ["-rW", path]).Split('\n')
        let fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        where fields.Length >= 3 && fields[2].StartsWith("R_", StringComparison.Ordinal)
        select $"{fields[2]} {(fields.Length > 4 ? fields[4] : "")}";
}
