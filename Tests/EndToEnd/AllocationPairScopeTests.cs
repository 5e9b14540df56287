namespace ElfLoader.Tests.EndToEnd;

/// <summary>Functions that allocate, of libraries that others are linked to: only those that the others see count.</summary>
[Category("EndToEnd")]
public sealed class AllocationPairScopeTests
{
    private readonly TemporaryFolder _folder = new();

    [OneTimeTearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("hidden", true)]
    [TestCase("default", false)]
    public void OnlyThoseOfALinkedLibraryThatAreSeenCount(string visibility, bool isLoaded)
    {
        string shown = $"__attribute__((visibility(\"{visibility}\")))";
        using var first = new ObjectLibrary("first");
        first.Load(Compile($"first_{visibility}.c", $$"""
            {{shown}} void *malloc(unsigned long size) { return 0; }
            {{shown}} void free(void *block) { }
            """));
        using var second = new ObjectLibrary("second");
        second.AddLibrary(first);
        string user = Compile($"second_{visibility}.c", """
            char *strdup(const char *); void free(void *);
            int use(void) { char *copy = strdup("a"); int first = copy[0]; free(copy); return first; }
            """);

        if (isLoaded)
        {
            second.Load(user);
            Assert.That(second.GetFunction<Use>("use")(), Is.EqualTo('a'));
        }
        else
        {
            LinkException refusal = Assert.Throws<LinkException>(() => second.Load(user))!;
            Assert.That(refusal.Message, Does.Contain("'free'").And.Contain("'strdup'"));
        }
    }

    private delegate int Use();

    private string Compile(string name, string text)
    {
        string output = _folder.File(Path.ChangeExtension(name, ".o"));
        File.WriteAllText(_folder.File(name), text);
        Command.Check("gcc", ["-O1", "-fPIC", "-fno-builtin", "-c", _folder.File(name), "-o", output]);
        return output;
    }
}
