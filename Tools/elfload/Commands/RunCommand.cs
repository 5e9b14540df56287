using System.CommandLine;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Output;
using ElfLoader.Tools.Running;

namespace ElfLoader.Tools.Commands;

/// <summary><c>elfload run</c>.</summary>
internal sealed class RunCommand : Command, IExamples
{
    private readonly InputArgument _inputs = new(
        "Objects, archives, linker scripts, shared libraries; -: standard input; @FILE: one argument a line. "
        + "What follows -- are the program's arguments.");

    private readonly Option<string> _entry = new("--entry", "-e")
    {
        Description = "The function to call, as int main(int, char **, char **).",
        HelpName = "NAME",
        DefaultValueFactory = _ => "main",
    };

    private readonly LinkOptions _link = new();
    private readonly RequiredSymbols _required = new();
    private readonly PlatformOptions _platform = new(GotOrigin.Image);

    private readonly Option<string[]> _libraries = new("--library", "-l")
    {
        Description = "A shared library to resolve against, by path or as the host's loader finds it. Repeatable.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _noHostSymbols = new("--no-host-symbols")
    {
        Description = "Do not resolve against the host process and the libraries that a compiler links by default.",
    };

    private readonly Option<string?> _runner = new("--runner")
    {
        Description = "The command that runs a program of another machine, with its arguments (default: qemu-arm).",
        HelpName = "COMMAND",
    };

    internal RunCommand(IReadOnlyList<string> programArguments, Reporter reporter)
        : base("run", "Load into this process, or an emulator for ARM, and call the entry: runs a program without linking it first.")
    {
        Add(_inputs);
        Add(_entry);
        _link.AddTo(this);
        _required.AddTo(this);
        Add(_libraries);
        Add(_noHostSymbols);
        Add(_runner);
        _platform.AddTo(this);
        SetAction(result => Run(result, Read(result, programArguments, reporter), reporter));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples =>
    [
        "elfload run hello.o -- from ElfLoader",
        "elfload run main.o shapes.o /usr/lib/x86_64-linux-gnu/libz.a --library libm.so.6",
        "elfload run plugin.o --entry self_test --map plugin.json",
        "elfload run profiled.o \"$(clang -print-resource-dir)/lib/linux/libclang_rt.profile-x86_64.a\" -u __llvm_profile_runtime",
        "elfload run arm.o --runner 'qemu-arm -cpu cortex-a8'",
    ];

    private static int Run(ParseResult result, RunRequest request, Reporter reporter)
    {
        InputFiles inputs = Read(request, reporter);
        OutputPaths.Check(result, inputs.NamedFiles, reporter);
        return ForeignInputs.AreArm(inputs)
            ? new EmulatedRun(request, inputs, reporter).Run()
            : new ProgramRun(request, inputs, reporter).Run();
    }

    private static InputFiles Read(RunRequest request, Reporter reporter)
    {
        try
        {
            return CommandInputs.Read(request.Inputs, request.Limits, reporter);
        }
        catch (LinkException exception) when (exception.Errors is [{ Code: LinkErrorCode.File } error]
            && request.Inputs.Skip(1).Contains(error.Where.Object) && !Path.Exists(error.Where.Object))
        {
            throw new LinkException(exception, [error with { Message = $"{error.Message}; arguments of the program stand behind '--'" }]);
        }
    }

    private RunRequest Read(ParseResult result, IReadOnlyList<string> programArguments, Reporter reporter)
    {
        string? map = _link.Map(result);
        if (map is "-" || reporter.Json is { Path: null })
        {
            reporter.Json = null;
            throw new CommandLineException(
                $"{(map is "-" ? "--map" : "--json")} needs a file here: standard output is the program's");
        }

        IReadOnlyList<string> files = _inputs.Files(result);
        return new RunRequest
        {
            Inputs = files,
            Limits = CommonOptions.LimitsOf(result),
            Entry = result.GetRequiredValue(_entry),
            EntryIsChosen = result.GetResult(_entry) is { Implicit: false },
            Libraries = result.GetValue(_libraries) ?? [],
            UsesHost = !result.GetValue(_noHostSymbols),
            Map = map,
            Image = _required.Apply(result, _platform.Apply(result, _link.Image(result))),
            Runner = result.GetValue(_runner),
            Arguments = [files[0], .. programArguments],
        };
    }
}
