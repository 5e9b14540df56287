using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Images;

namespace ElfLoader.Tests.Support;

/// <summary>Runs the images that were linked.</summary>
internal static class ImagePrograms
{
    /// <summary>Links an image, runs it, and gives the status that it ends with; so must what <c>strip</c> leaves of it.</summary>
    public static int Run(IReadOnlyList<ElfLoader.Elf.ElfObject> objects)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("image");
        using (FileStream file = File.Create(path))
        {
            new ImageLinker(new ImageOptions()).Link(objects).WriteExecutable(file);
        }

        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        int status = Command.Run(path, []).Status;
        Assert.That(Command.Run(ImageTools.Rewrite("strip", path), []).Status, Is.EqualTo(status), "stripped");
        return status;
    }
}
