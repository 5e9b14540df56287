using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Images;

/// <summary>
/// The rules by which others read an executable: the kernel that starts it, the C library in it, the tools that show and
/// rewrite it. An emulator forgives much that a kernel does not.
/// </summary>
internal static class ImageRules
{
    /// <summary>The largest file that is worth looking at.</summary>
    internal const ulong Enough = 256 << 20;

    /// <summary>What an executable does wrong.</summary>
    public static IReadOnlyList<string> Broken(byte[] bytes)
    {
        List<string> broken = [];
        var file = new ImageExecutable(bytes);
        new SegmentRules(file, broken).Check();
        new SectionRules(file, broken).Check();
        return broken;
    }

    /// <summary>Fails the test if an executable does anything wrong.</summary>
    public static void Check(byte[] bytes) => Assert.That(Broken(bytes), Is.Empty);
}
