using System.CommandLine;
using ElfLoader.Tools.Arguments;

namespace ElfLoader.Tools.Commands;

/// <summary>The options that say where the parts of an image lie.</summary>
internal sealed class PlacementOptions
{
    private readonly Option<string?> _base = new("--base", "-b")
    {
        Description = "Target address of the first segment, a multiple of 4; of 0x1000 for systems that map pages (default: 0x400000 on "
            + "x86-64, 0x10000 on ARM).",
        HelpName = "ADDRESS",
    };

    private readonly Option<string[]> _mapSection = new("--map-section")
    {
        Description = "A section's exact target address. OBJECT is the file's name without folders, or archive.a(member.o); where several "
            + "share it, the path as given, or archive.a(member.o#2); SECTION#INDEX where a name stands more than once; SECTION may be .got. Repeatable.",
        HelpName = "OBJECT,SECTION=ADDRESS",
    };

    /// <summary>Adds them to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_base);
        command.Add(_mapSection);
    }

    /// <summary>The first segment's address; null for the usual one.</summary>
    internal ulong? Base(ParseResult result) =>
        result.GetValue(_base) is { } text ? AddressText.Parse(text, "--base") : null;

    /// <summary>The sections whose addresses are given.</summary>
    internal IReadOnlyList<SectionMapping> MapSections(ParseResult result)
    {
        try
        {
            return [.. (result.GetValue(_mapSection) ?? []).Select(SectionMapping.Parse)];
        }
        catch (ImageOptionException exception)
        {
            throw new CommandLineException($"--map-section: {exception.Message}");
        }
    }
}
