using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>
/// Links objects as small links are, and as large ones are: on several threads, with symbols that are bound late. What comes of
/// it must be the same.
/// </summary>
internal static class ScaleCheck
{
    private const int Threads = 3;

    /// <summary>Larger sections are left out: an input may claim megabytes of zeros.</summary>
    private const ulong LargestCompared = 64 << 10;

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
        Require(refusal.SequenceEqual(refusalOfLarge), $"images are refused otherwise:\n{Text(refusal)}\nor\n{Text(refusalOfLarge)}");
        if (small is not null)
        {
            MotionCheck.CompareHere(small, large!, comparesFiles: true);
        }

        if (elf.Machine is ElfConstants.EM_X86_64 && elf.Is64Bit)
        {
            Content one = Load(loading, objects);
            Content two = Load(loading with { TreatsAsLarge = true, MaximumParallelism = Threads }, objects);
            Require(Places(one).SequenceEqual(Places(two)), $"loads are refused otherwise:\n{Text(one.Errors)}\nor\n{Text(two.Errors)}");
            Compare(one, two);
        }
    }

    private static void Compare(Content one, Content two)
    {
        if (!one.Sections.SequenceEqual(two.Sections))
        {
            // Mostly the second load gets the memory of the first, but nothing promises it.
            Require(one.Sections.Count == two.Sections.Count, "another number of sections is loaded");
            return;
        }

        for (int i = 0; i < one.Sections.Count; i++)
        {
            Require(one.Bytes[i].AsSpan().SequenceEqual(two.Bytes[i]), $"{one.Sections[i].Name} of {one.Sections[i].Object} is loaded otherwise");
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

    private static Content Load(ObjectLibraryOptions options, ElfObject[] objects)
    {
        try
        {
            using var library = new ObjectLibrary("scale", options);
            LoadedSection[] sections =
                [.. library.Load(objects).Sections.Where(section => section.Address is not 0 && section.Size <= LargestCompared)];
            return new Content(
                sections,
                [.. sections.Select(section => NativeBytes.ReadOnlyAt(section.Address, (int)section.Size).ToArray())],
                []);
        }
        catch (LinkException exception)
        {
            return new Content([], [], exception.Errors);
        }
    }

    /// <summary>Where errors are, and of which kind: messages may tell addresses, which are the memory's choice.</summary>
    private static IEnumerable<(LinkErrorCode, LinkLocation)> Places(Content content) =>
        content.Errors.Select(error => (error.Code, error.Where));

    private static string Text(IReadOnlyList<LinkError> errors) => string.Join('\n', errors);

    private static void Require(bool isTrue, string what)
    {
        if (!isTrue)
        {
            throw new FindingException("scale", what);
        }
    }

    private sealed record Content(IReadOnlyList<LoadedSection> Sections, byte[][] Bytes, IReadOnlyList<LinkError> Errors);
}
