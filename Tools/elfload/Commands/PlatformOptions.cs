using System.CommandLine;
using ElfLoader.Arch.Arm;
using ElfLoader.Tools.Arguments;

namespace ElfLoader.Tools.Commands;

/// <summary>The options for what an image's platform decides; where GNU ld has them, by its names.</summary>
/// <param name="usualGot">Whose the global offset tables are, where the user does not say.</param>
internal sealed class PlatformOptions(GotOrigin usualGot)
{
    private readonly Option<bool> _noRelax = Flag(
        "--no-relax", "Images: do not rewrite instructions to cheaper forms (default: rewrite).");

    private readonly Option<string?> _gotOrigin = new("--got-origin")
    {
        Description = "Images: whether each object has a GOT of its own, or all have one (default: "
            + (usualGot is GotOrigin.Image ? "image, unless --map-section places an object's .got)." : "object)."),
        HelpName = "object|image",
    };

    private readonly Option<string?> _staticBase = new("--static-base")
    {
        Description = "ARM: the address that data is relative to for R_ARM_SBREL32 and its like (default: __static_base, the "
            + "start of the variables; for what cannot be written, the start of its segment).",
        HelpName = "ADDRESS",
    };

    private readonly Option<bool> _target1Absolute = Flag("--target1-abs", "ARM: R_ARM_TARGET1 is R_ARM_ABS32 (the default).");
    private readonly Option<bool> _target1Relative = Flag("--target1-rel", "ARM: R_ARM_TARGET1 is R_ARM_REL32.");
    private readonly Option<string?> _target2 = new("--target2")
    {
        Description = "ARM: R_ARM_TARGET2 is R_ARM_GOT_PREL, R_ARM_REL32 or R_ARM_ABS32 (default: got-rel, as on Linux; rel "
            + "where the objects say that they are for bare metal).",
        HelpName = "got-rel|rel|abs",
    };

    private readonly Option<bool> _fixV4Bx = Flag(
        "--fix-v4bx", "ARM: turn 'bx rN' to 'mov pc, rN' where R_ARM_V4BX marks it, for Armv4 (default: leave it).");

    private readonly Option<bool> _picVeneer = Flag(
        "--pic-veneer", "ARM: veneers hold distances rather than addresses (default: addresses).");

    private IEnumerable<Option> All =>
        [_noRelax, _gotOrigin, _staticBase, _target1Absolute, _target1Relative, _target2, _fixV4Bx, _picVeneer];

    /// <summary>Adds them to a command.</summary>
    internal void AddTo(Command command)
    {
        foreach (Option option in All)
        {
            command.Add(option);
        }
    }

    /// <summary>Adds what they say to the options of an image.</summary>
    /// <exception cref="CommandLineException">They contradict each other.</exception>
    internal ImageOptions Apply(ParseResult result, ImageOptions options)
    {
        bool isRelative = result.GetValue(_target1Relative);
        if (isRelative && result.GetValue(_target1Absolute))
        {
            throw new CommandLineException("--target1-abs and --target1-rel contradict each other");
        }

        return options with
        {
            Relax = !result.GetValue(_noRelax),
            GotOrigin = result.GetValue(_gotOrigin) switch
            {
                null => usualGot is GotOrigin.Image ? null : usualGot,
                "object" => GotOrigin.Object,
                "image" => GotOrigin.Image,
                string other => throw Unknown(_gotOrigin, other),
            },
            StaticBase = AddressText.ParseOptional(result.GetValue(_staticBase), "--static-base"),
            Arm = options.Arm with
            {
                Target1 = isRelative ? Target1Meaning.Relative : Target1Meaning.Absolute,
                Target2 = result.GetValue(_target2) switch
                {
                    null => null,
                    "got-rel" => Target2Meaning.GotRelative,
                    "rel" => Target2Meaning.Relative,
                    "abs" => Target2Meaning.Absolute,
                    string other => throw Unknown(_target2, other),
                },
                RewritesBx = result.GetValue(_fixV4Bx),
                PositionIndependent = result.GetValue(_picVeneer),
            },
        };
    }

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    private static CommandLineException Unknown(Option<string?> option, string value) =>
        new($"{option.Name}: '{value}' is none of {option.HelpName!.Replace("|", ", ", StringComparison.Ordinal)}");
}
