using System.Text.RegularExpressions;

namespace ElfLoader.Tests.Images;

/// <summary>Makes complaints of <c>eu-elflint</c> about different files comparable.</summary>
internal static partial class LintNames
{
    /// <summary>A complaint without the indices of sections and entries; <c>.rela.dyn</c> is lld's name of <c>.rela.iplt</c>.</summary>
    public static string WithoutNumbers(string complaint) => Relocations().Replace(Numbers().Replace(complaint, "$1"), "'.rel'");

    [GeneratedRegex(@"(section|segment|symbol|relocation|entry|offset|phdr) ?(\[ *[0-9]+\]|[0-9]+)")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"'\.rela?\.(dyn|iplt|plt)'")]
    private static partial Regex Relocations();
}
