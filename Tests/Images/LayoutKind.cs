using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Images;

/// <summary>
/// The kind of an executable's layout, for tools: its segments in their order, and which kinds of sections it has, without
/// addresses and sizes. Of images that differ in these alone, one shows what tools think of all.
/// </summary>
internal static class LayoutKind
{
    /// <summary>Equal for executables of one kind.</summary>
    public static string Of(ImageExecutable file) => string.Join(
        '\n',
        [
            $"{file.Is64Bit}",
            .. file.Segments.Select(segment =>
                $"{segment.Type:x} {segment.Flags} {segment.FileSize is 0} {segment.FileSize == segment.MemorySize} {segment.Alignment}"),
            .. file.Sections.Select(section => $"{section.Type:x} {section.Flags:x} {section.Size is 0} {section.Alignment}").Distinct().Order(),
        ]);
}
