using System.CommandLine;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Json;
using ElfLoader.Tools.Linking;
using ElfLoader.Tools.Output;

namespace ElfLoader.Tools.Commands;

/// <summary>What the commands that link for target addresses have in common: inputs, options, the link, its map.</summary>
/// <param name="usualGot">Whose the global offset tables are, where the user does not say.</param>
internal sealed class TargetLink(GotOrigin usualGot)
{
    private readonly InputArgument _inputs = new("Objects, archives, linker scripts; -: standard input; @FILE: one argument a line.");
    private readonly LinkOptions _link = new();
    private readonly PlacementOptions _placement = new();
    private readonly PlatformOptions _platform = new(usualGot);

    /// <summary>Adds the inputs to a command.</summary>
    internal void AddInputsTo(Command command) => command.Add(_inputs);

    /// <summary>Adds the options to a command.</summary>
    internal void AddOptionsTo(Command command)
    {
        _link.AddTo(command);
        _placement.AddTo(command);
        _platform.AddTo(command);
    }

    /// <summary>How the command line wants it linked.</summary>
    /// <exception cref="CommandLineException">It contradicts itself.</exception>
    internal ImageOptions Options(ParseResult result, Reporter reporter)
    {
        if (_link.Map(result) is CommandTokens.NoValue && reporter.Json is { Path: null })
        {
            throw new CommandLineException("--map and --json cannot both go to standard output");
        }

        return _platform.Apply(result, _link.Image(result)) with
        {
            Base = _placement.Base(result),
            MapSections = _placement.MapSections(result),
        };
    }

    /// <summary>Reads the inputs and links them.</summary>
    /// <exception cref="CommandLineException">The options contradict each other or the objects.</exception>
    /// <exception cref="LinkException">The objects cannot be linked.</exception>
    internal LinkedImage Link(ParseResult result, ImageOptions options, Reporter reporter)
    {
        InputFiles inputs = CommandInputs.Read(Files(result), CommonOptions.LimitsOf(result), reporter);
        TargetInputs.Prepare(inputs, reporter);
        OutputPaths.Check(result, inputs.NamedFiles, reporter);
        reporter.Progress("linking");
        return ImageWriting.Link(inputs, options);
    }

    /// <summary>The inputs' names.</summary>
    internal IReadOnlyList<string> Files(ParseResult result) => _inputs.Files(result);

    /// <summary>Writes the map, where that is asked for.</summary>
    /// <returns>Whether it went to standard output.</returns>
    internal bool WriteMap(ParseResult result, LinkedImage image)
    {
        if (_link.Map(result) is not { } map)
        {
            return false;
        }

        JsonTarget target = map is CommandTokens.NoValue ? JsonTarget.StandardOutput : new JsonTarget(map);
        target.Write(LinkMapJson.Of(LinkMap.Of(image)), JsonFormat.Default.LinkMapJson);
        return map is CommandTokens.NoValue;
    }
}
