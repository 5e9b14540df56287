using System.CommandLine;

namespace ElfLoader.Tools.Commands;

/// <summary>Reads how an image is to be linked.</summary>
internal static class ImageOptionsReading
{
    /// <summary>The options of a command line.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="link">The options of all commands that link.</param>
    /// <param name="placement">The options that say where things lie.</param>
    /// <param name="platform">The options for what the platform decides.</param>
    /// <param name="entry">The entry's symbol; null for the usual one, which need not exist.</param>
    /// <exception cref="CommandLineException">They contradict each other.</exception>
    internal static ImageOptions Read(
        ParseResult result, LinkOptions link, PlacementOptions placement, PlatformOptions platform, string? entry)
    {
        ImageOptions usual = platform.Apply(result, link.Image(result));
        return usual with
        {
            Base = placement.Base(result),
            MapSections = placement.MapSections(result),
            Entry = entry ?? usual.Entry,
            EntryMustExist = entry is not null,
        };
    }
}
