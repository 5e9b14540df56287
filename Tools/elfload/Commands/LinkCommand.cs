using System.CommandLine;
using ElfLoader.Memory;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Json;
using ElfLoader.Tools.Linking;

namespace ElfLoader.Tools.Commands;

/// <summary><c>elfload link</c>.</summary>
internal sealed class LinkCommand : Command, IExamples
{
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

    private readonly TargetLink _link = new(GotOrigin.Image);
    private readonly RequiredSymbols _required = new();

    internal LinkCommand(Reporter reporter)
        : base("link", "Link for target addresses and write a static ELF executable.")
    {
        _link.AddInputsTo(this);
        Add(_output);
        Add(_entry);
        _required.AddTo(this);
        _link.AddOptionsTo(this);
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
        string? entry = result.GetValue(_entry);
        ImageOptions options = _required.Apply(result, _link.Options(result, reporter));
        LinkedImage image = _link.Link(
            result, options with { Entry = entry ?? options.Entry, EntryMustExist = entry is not null }, reporter);
        foreach (string warning in image.Warnings)
        {
            reporter.Warn(warning);
        }

        string output = result.GetRequiredValue(_output);
        ImageWriting.Write(image, output);
        reporter.Tell($"wrote {output}, {CountText.Of((long)image.FileSize, "byte")}");
        _link.WriteMap(result, image);
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
