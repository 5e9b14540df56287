using ElfLoader.Elf;
using ElfLoader.Tests.Images;

namespace ElfLoader.Tests;

/// <summary>
/// The product's linker, as all tests see it by this name: each image that one of them makes is one of the
/// <see cref="CheckedImages"/>.
/// </summary>
internal sealed class ImageLinker(ImageOptions? options = null)
{
    private readonly ElfLoader.ImageLinker _linker = new(options);

    public LinkedImage Link(InputFiles inputs) => Checked(_linker.Link(inputs));

    public LinkedImage Link(IReadOnlyList<ElfObject> objects, IReadOnlyList<Archive>? archives = null) =>
        Checked(_linker.Link(objects, archives));

    private static LinkedImage Checked(LinkedImage image)
    {
        CheckedImages.Check(image);
        return image;
    }
}
