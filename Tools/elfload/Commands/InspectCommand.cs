using System.CommandLine;
using ElfLoader.Tools.Inspecting;
using ElfLoader.Tools.Json;
using ElfLoader.Tools.Output;
using Spectre.Console;

namespace ElfLoader.Tools.Commands;

/// <summary><c>elfload inspect</c>.</summary>
internal sealed class InspectCommand : Command, IExamples
{
    private const int BufferSize = 1 << 16;

    private readonly InputArgument _inputs = new("Objects, archives, linker scripts; -: standard input; @FILE: one argument a line.");
    private readonly Option<bool> _sections = new("--sections", "-S") { Description = "Show the sections." };
    private readonly Option<bool> _symbols = new("--symbols", "-s") { Description = "Show the symbols." };
    private readonly Option<bool> _relocations = new("--relocations", "-r") { Description = "Show the relocations." };

    private readonly Option<bool> _disassemble = new("--disassemble", "-d")
    {
        Description = "Show the instructions, with relocations in place.",
    };

    internal InspectCommand(Reporter reporter)
        : base("inspect", "Show what is in objects and archives; by default a summary and what they need to be loaded.")
    {
        Add(_inputs);
        Add(_sections);
        Add(_symbols);
        Add(_relocations);
        Add(_disassemble);
        SetAction(result => Run(result, reporter));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples =>
    [
        "elfload inspect hello.o",
        "elfload inspect --disassemble hello.o",
        "elfload inspect --symbols --relocations --json=hello.json hello.o",
        "elfload inspect /usr/lib/x86_64-linux-gnu/libz.a",
    ];

    private int Run(ParseResult result, Reporter reporter)
    {
        var request = new InspectionRequest(
            result.GetValue(_sections),
            result.GetValue(_symbols),
            result.GetValue(_relocations),
            result.GetValue(_disassemble));
        var inspection = new FileInspection(request, CommonOptions.LimitsOf(result));
        List<FileJson> files = [];
        using (var output = new StreamWriter(new StandardOutput(), bufferSize: BufferSize))
        {
            var text = new InspectionText(new TableWriter(output, Terminal(reporter), reporter.Text), request);
            IReadOnlyList<string> paths = _inputs.Files(result);
            foreach ((string path, string name) in paths.Zip(InputFiles.NamesOf(paths)))
            {
                reporter.Progress($"reading {path}");
                if (inspection.Inspect(path, name) is not { } file)
                {
                    continue;
                }

                reporter.ClearProgress();
                if (reporter.Json is null)
                {
                    text.Write(file);
                }
                else
                {
                    files.Add(file);
                }
            }
        }

        reporter.Json?.Write(
            new InspectionJson(files, [.. inspection.Errors.Select(ErrorJson.Of)]), JsonFormat.Default.InspectionJson);
        reporter.Json = null; // the errors are in it
        if (inspection.Errors.Count > 0)
        {
            throw new LinkException(inspection.Errors);
        }

        return 0;
    }

    private static IAnsiConsole? Terminal(Reporter reporter) => Console.IsOutputRedirected
        ? null
        : AnsiConsole.Create(new AnsiConsoleSettings
        {
            ColorSystem = reporter.MayColor ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
}
