using System.CommandLine;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Json;
using ElfLoader.Tools.Linking;

namespace ElfLoader.Tools.Commands;

/// <summary><c>elfload link</c>.</summary>
internal sealed class LinkCommand : Command, IExamples
{
    private readonly InputArgument _inputs = new("Objects, archives, linker scripts; @FILE: one argument a line.");

    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The executable to write.",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<string?> _entry = new("--entry", "-e")
    {
        Description = "The symbol at which the program starts; '_start' if it exists.",
        HelpName = "NAME",
    };

    private readonly LinkOptions _link = new();
    private readonly PlacementOptions _placement = new();
    private readonly PlatformOptions _platform = new();

    internal LinkCommand(Reporter reporter)
        : base("link", "Link for target addresses and write a static ELF executable.")
    {
        Add(_inputs);
        Add(_output);
        Add(_entry);
        _link.AddTo(this);
        _placement.AddTo(this);
        _platform.AddTo(this);
        SetAction(result => Run(result, reporter));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples =>
    [
        "elfload link start.o main.o libc.a -o program",
        "elfload link firmware.o -o firmware.elf --base 0x8000 --entry reset --define UART0=0x40011000",
        "elfload link boot.o -o boot --define rom_read=0x4000:thumb --target2 rel",
        "elfload link a.o b.o -o ab --map-section a.o,.text=0x10000 --map -",
    ];

    private int Run(ParseResult result, Reporter reporter)
    {
        string? map = _link.Map(result);
        if (map is CommandTokens.NoValue && reporter.Json is { Path: null })
        {
            throw new CommandLineException("--map and --json cannot both go to standard output");
        }

        ImageOptions options = ImageOptionsReading.Read(result, _link, _placement, _platform, result.GetValue(_entry));
        var inputs = new InputFiles();
        foreach (string file in _inputs.Files(result))
        {
            reporter.Progress($"reading {file}");
            inputs.Add(file);
        }

        foreach (string library in inputs.SharedLibraries)
        {
            reporter.Warn($"{library}: a static executable takes nothing from a shared library");
        }

        reporter.Progress("linking");
        LinkedImage image = ImageWriting.Link(inputs, options);
        foreach (string warning in image.Warnings)
        {
            reporter.Warn(warning);
        }

        string output = result.GetRequiredValue(_output);
        ImageWriting.Write(image, output);
        reporter.Tell($"wrote {output}, {image.FileSize} bytes");
        if (map is not null)
        {
            JsonTarget target = map is CommandTokens.NoValue ? JsonTarget.StandardOutput : new JsonTarget(map);
            target.Write(LinkMapJson.Of(LinkMap.Of(image)), JsonFormat.Default.LinkMapJson);
        }

        reporter.Json?.Write(
            new ReportJson
            {
                Machine = image.Machine,
                Entry = AddressText.Format(image.Entry),
                Output = output,
                Warnings = reporter.Warnings,
            },
            JsonFormat.Default.ReportJson);
        reporter.ClearProgress();
        return 0;
    }
}
