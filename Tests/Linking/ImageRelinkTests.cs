using ElfLoader.Elf;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// A link is a function of the objects' bytes and the addresses: after a link for other addresses it gives the same bytes
/// as before.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class ImageRelinkTests
{
    private static readonly ulong?[] Bases = [null, 0x1000_0000, 0x7000_0000, null];

    [TestCaseSource(typeof(Fixtures), nameof(Fixtures.Programs))]
    public void LinkingAgainIsLinkingForTheFirstTime(FixtureProgram program)
    {
        ElfObject[] objects = [.. program.Objects.Select(Read)];
        List<byte[]> files = [];
        foreach (ulong? address in Bases)
        {
            files.Add(Link(objects, address));
        }

        byte[] fresh = Link([.. program.Objects.Select(Read)], 0x7000_0000);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(files[3].AsSpan().SequenceEqual(files[0]), Is.True, "moved away and back");
            Assert.That(files[2].AsSpan().SequenceEqual(fresh), Is.True, "moved, and linked there in the first place");
            Assert.That(files[1].AsSpan().SequenceEqual(files[0]), Is.False);
        }
    }

    private static byte[] Link(IReadOnlyList<ElfObject> objects, ulong? address)
    {
        LinkedImage image = new ImageLinker(new ImageOptions { Base = address, AllowUndefined = true }).Link(objects);
        using var stream = new MemoryStream();
        image.WriteExecutable(stream);
        return stream.ToArray();
    }

    private static ElfObject Read(string name) => ElfObject.Read(File.ReadAllBytes(Fixtures.Object(name)), name + ".o");
}
