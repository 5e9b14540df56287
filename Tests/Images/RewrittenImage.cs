using ElfLoader.Tests.Linking;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Images;

/// <summary>What a tool has made of an executable: in memory it must be the same, whatever it lacks in the file.</summary>
internal static class RewrittenImage
{
    /// <summary>What a kernel or a C library would find different.</summary>
    public static IReadOnlyList<string> Differences(ImageExecutable image, ImageExecutable rewritten)
    {
        List<string> differences = [];
        if (image.Entry != rewritten.Entry)
        {
            differences.Add($"the entry is 0x{rewritten.Entry:x}, and was 0x{image.Entry:x}");
        }

        string[] segments = [.. Segments(image)];
        string[] others = [.. Segments(rewritten)];
        differences.AddRange(segments.Except(others).Select(segment => $"lost: {segment}"));
        differences.AddRange(others.Except(segments).Select(segment => $"added: {segment}"));
        foreach (ImageExecutable.Section section in image.Sections.Where(IsInMemory))
        {
            byte[]? before = image.Read(section.Address, section.Size);
            if (before is null || rewritten.Read(section.Address, section.Size) is not { } after || !after.AsSpan().SequenceEqual(before))
            {
                differences.Add($"'{section.Name}' at 0x{section.Address:x} has other bytes");
            }
        }

        return differences;
    }

    private static bool IsInMemory(ImageExecutable.Section section) => (section.Flags & SHF_ALLOC) != 0
        && section.Size > 0
        && (section.Type is not SHT_NOBITS || (section.Flags & SHF_TLS) == 0);

    /// <summary>Loaded segments without their sizes: GNU's tools leave out what belongs to no section at the end of one.</summary>
    private static IEnumerable<string> Segments(ImageExecutable file) => file.Segments.Select(segment =>
        $"0x{segment.Type:x} at 0x{segment.Address:x}, {(segment.Type is PT_LOAD ? "some" : segment.MemorySize)} bytes, flags {segment.Flags}");
}
