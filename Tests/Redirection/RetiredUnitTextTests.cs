using ElfLoader.Tests.Tools;

namespace ElfLoader.Tests.Redirection;

/// <summary>What a unit that was replaced says of itself.</summary>
[Category("EndToEnd")]
public sealed class RetiredUnitTextTests
{
    [Test]
    public void ARetiredUnitNamesItselfAndWhatKeepsIt()
    {
        using var programs = new ToolPrograms();
        using var library = new ObjectLibrary("retired", new ObjectLibraryOptions { Redirectable = true });
        _ = library.Load(programs.Compile("first", "int value(void) { return 1; }"));
        _ = library.Replace([programs.Compile("second", "int value(void) { return 2; }")], new ReplaceOptions());

        RetiredUnit retired = library.RetiredUnits.Single();

        Assert.That(retired.ToString(), Is.EqualTo($"first.o: {string.Join("; ", retired.Reasons)}"));
        Assert.That(retired.ToString(), Does.Not.Contain("System."));
    }
}
