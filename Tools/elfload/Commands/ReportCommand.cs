using System.CommandLine;
using ElfLoader.Memory;
using ElfLoader.Tools.Json;
using ElfLoader.Tools.Output;
using ElfLoader.Tools.Reporting;

namespace ElfLoader.Tools.Commands;

/// <summary><c>elfload report</c>.</summary>
internal sealed class ReportCommand : Command, IExamples
{
    private readonly TargetLink _link = new(GotOrigin.Object);

    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The page to write.",
        HelpName = "FILE.html",
        Required = true,
    };

    internal ReportCommand(Reporter reporter)
        : base("report", "Link for target addresses and write one page that shows what lies where, and every patched place.")
    {
        _link.AddInputsTo(this);
        Add(_output);
        _link.AddOptionsTo(this);
        SetAction(result => Run(result, reporter));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples =>
    [
        "elfload report hello.o --allow-undefined -o hello.html",
        "elfload report firmware.o --base 0x8000 -o firmware.html",
    ];

    private int Run(ParseResult result, Reporter reporter)
    {
        ImageOptions options = _link.Options(result, reporter) with { RecordPatches = true };
        LinkedImage image = _link.Link(result, options, reporter);
        string output = result.GetRequiredValue(_output);
        reporter.Progress("writing the report");
        OutputFile.Write(output, file => ReportPage.Write(file, image, _link.Files(result), reporter.Text));
        reporter.Tell($"wrote {output}, {CountText.Of(image.Patches.Count, "patched place")}");
        _link.WriteMap(result, image);
        reporter.Json?.Write(
            new ReportJson { Machine = image.Machine, Output = output, Warnings = reporter.Warnings },
            JsonFormat.Default.ReportJson);
        reporter.ClearProgress();
        return 0;
    }
}
