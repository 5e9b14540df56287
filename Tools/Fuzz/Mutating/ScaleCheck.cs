using ElfLoader.Elf;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>
/// Links objects as small links are, and as large ones are: on several threads, with symbols that are bound late. What comes of
/// it must be the same.
/// </summary>
internal static class ScaleCheck
{
    private const int Threads = 3;

    /// <summary>Links both ways.</summary>
    /// <param name="elf">The object.</param>
    /// <param name="other">Another one, so that there is something to share.</param>
    /// <param name="loading">How objects are loaded into this process.</param>
    /// <param name="linking">How images are linked.</param>
    /// <exception cref="FindingException">They differ.</exception>
    internal static void Check(ElfObject elf, ElfObject other, ObjectLibraryOptions loading, ImageOptions linking)
    {
        ElfObject[] objects = [elf, other];
        (LinkedImage? small, IReadOnlyList<LinkError> refusal) = TryLink(linking, objects);
        (LinkedImage? large, IReadOnlyList<LinkError> refusalOfLarge) =
            TryLink(linking with { TreatsAsLarge = true, MaximumParallelism = Threads }, objects);
        if (!refusal.SequenceEqual(refusalOfLarge))
        {
            throw new FindingException("scale", $"images are refused otherwise:\n{Text(refusal)}\nor\n{Text(refusalOfLarge)}");
        }

        if (small is not null)
        {
            MotionCheck.CompareHere(small, large!, comparesFiles: true);
        }

        if (elf.Machine is ElfConstants.EM_X86_64 && elf.Is64Bit)
        {
            LoadedContent.RequireSame(
                LoadedContent.Of(objects, loading),
                LoadedContent.Of(objects, loading with { TreatsAsLarge = true, MaximumParallelism = Threads }),
                "scale");
        }
    }

    private static (LinkedImage? Image, IReadOnlyList<LinkError> Errors) TryLink(ImageOptions options, ElfObject[] objects)
    {
        try
        {
            return (new ImageLinker(options).Link(objects), []);
        }
        catch (LinkException exception)
        {
            return (null, exception.Errors);
        }
    }

    private static string Text(IReadOnlyList<LinkError> errors) => string.Join('\n', errors);
}
