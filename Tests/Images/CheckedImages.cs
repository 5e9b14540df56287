using System.Collections.Concurrent;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Images;

/// <summary>
/// What each image goes through that a test makes: the rules, and the tools of others. As there are thousands of them, most of
/// the tests of relocations, the tools see one of each <see cref="LayoutKind"/>.
/// </summary>
internal static class CheckedImages
{
    private static readonly ConcurrentDictionary<string, bool> Seen = new();

    /// <summary>Fails the test if an executable breaks a rule, or is the first of its kind and a tool does not accept it.</summary>
    public static void Check(byte[] bytes)
    {
        ImageRules.Check(bytes);
        if (OperatingSystem.IsLinux() && Seen.TryAdd(LayoutKind.Of(new ImageExecutable(bytes)), true))
        {
            using var folder = new TemporaryFolder();
            string path = folder.File("image");
            File.WriteAllBytes(path, bytes);
            ImageTools.Check(path);
        }
    }

    /// <summary>The same of an image, once it is written.</summary>
    public static void Check(LinkedImage image)
    {
        if (image.FileSize <= ImageRules.Enough)
        {
            using var stream = new MemoryStream();
            image.WriteExecutable(stream);
            Check(stream.ToArray());
        }
    }
}
