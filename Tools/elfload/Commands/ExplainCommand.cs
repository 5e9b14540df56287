using System.CommandLine;
using ElfLoader.Inspection;
using ElfLoader.Tools.Explaining;
using ElfLoader.Tools.Json;
using ElfLoader.Tools.Output;

namespace ElfLoader.Tools.Commands;

/// <summary><c>elfload explain</c>.</summary>
internal sealed class ExplainCommand : Command, IExamples
{
    private readonly TargetLink _link = new(GotOrigin.Object);
    private readonly Option<string[]> _symbols = Filter("--symbol", "-s", "Only places that refer to this symbol.");
    private readonly Option<string[]> _sections = Filter("--section", "-S", "Only places in sections of this name.");
    private readonly Option<string[]> _types = Filter("--type", "-t", "Only relocations of this type.");

    internal ExplainCommand(Reporter reporter)
        : base("explain", "Link for target addresses and tell of every patched place what was done there, and why.")
    {
        _link.AddInputsTo(this);
        Add(_symbols);
        Add(_sections);
        Add(_types);
        _link.AddOptionsTo(this);
        SetAction(result => Run(result, reporter));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples =>
    [
        "elfload explain hello.o --allow-undefined",
        "elfload explain main.o libc.a --symbol 'mem*' --section '.text*'",
        "elfload explain kernel.o --base 0x8000 --type R_ARM_CALL --json | jq .margin",
    ];

    private int Run(ParseResult result, Reporter reporter)
    {
        ImageOptions options = _link.Options(result, reporter) with { RecordPatches = true };
        LinkedImage image = _link.Link(result, options, reporter);
        var filter = new PatchFilter(
            result.GetValue(_symbols) ?? [], result.GetValue(_sections) ?? [], result.GetValue(_types) ?? []);
        var code = new PatchedCode(image, new ImageNames(image));
        PatchRecord[] patches = [.. image.Patches.Where(filter.Admits)];
        foreach (string warning in filter.Unmatched(image.Patches, Machines.ArchitectureOf(image.Objects[0])!.Relocations.Rules))
        {
            reporter.Warn(warning);
        }

        reporter.ClearProgress();
        if (reporter.Json is { } json)
        {
            json.WriteLines(patches.Select(patch => PatchJson.Of(patch, code.Of(patch))), JsonFormat.Default.PatchJson);
        }
        else
        {
            bool colored = reporter.MayColor && !Console.IsOutputRedirected;
            using var output = new StyledText(new StandardOutput(), colored, reporter.Text);
            new ExplanationText(output, code).Write(patches, image.Patches.Count);
        }

        _link.WriteMap(result, image);
        return 0;
    }

    private static Option<string[]> Filter(string name, string alias, string description) => new(name, alias)
    {
        Description = $"{description} '*' stands for any characters, '?' for one. Repeatable: any of them.",
        HelpName = "NAME",
    };
}
