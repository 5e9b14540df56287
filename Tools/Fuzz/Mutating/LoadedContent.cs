using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>What a load has brought into the process, or why it was refused.</summary>
internal sealed class LoadedContent
{
    /// <summary>Larger sections are left out: an input may claim megabytes of zeros.</summary>
    private const ulong LargestCompared = 64 << 10;

    private readonly LoadedSection[] _sections = [];
    private readonly byte[][] _bytes = [];
    private readonly LinkMap? _map;
    private readonly IReadOnlyList<LinkError> _errors = [];

    private LoadedContent(LoadedUnit unit)
    {
        _sections = [.. unit.Sections.Where(section => section.Address is not 0 && section.Size <= LargestCompared)];
        _bytes = [.. _sections.Select(section => NativeBytes.ReadOnlyAt(section.Address, (int)section.Size).ToArray())];
        _map = LinkMap.Of([unit]);
    }

    private LoadedContent(IReadOnlyList<LinkError> errors) => _errors = errors;

    /// <summary>Loads objects and unloads them again.</summary>
    /// <param name="objects">The objects.</param>
    /// <param name="options">How.</param>
    /// <param name="before">An object that the same library loads and unloads before, where it can be loaded.</param>
    internal static LoadedContent Of(ElfObject[] objects, ObjectLibraryOptions options, ElfObject? before = null)
    {
        using var library = new ObjectLibrary("content", options);
        if (before is not null)
        {
            try
            {
                library.Load([before]).Unload();
            }
            catch (LinkException)
            {
                // It is not about that one.
            }
        }

        try
        {
            return new LoadedContent(library.Load(objects));
        }
        catch (LinkException exception)
        {
            return new LoadedContent(exception.Errors);
        }
    }

    /// <summary>Two loads of the same objects must bring the same.</summary>
    /// <exception cref="FindingException">They do not.</exception>
    internal static void RequireSame(LoadedContent one, LoadedContent two, string kind)
    {
        Require(one.Places.SequenceEqual(two.Places), $"loads are refused otherwise:\n{one.Text}\nor\n{two.Text}");
        Require(one._sections.Length == two._sections.Length, "another number of sections is loaded");
        if (!one._sections.SequenceEqual(two._sections))
        {
            return; // mostly the second load gets the memory of the first, but nothing promises it
        }

        for (int i = 0; i < one._sections.Length; i++)
        {
            LoadedSection section = one._sections[i];
            Require(one._bytes[i].AsSpan().SequenceEqual(two._bytes[i]), $"{section.Name} of {section.Object} is loaded otherwise");
        }

        if (one._map is { } map && two._map is { } other)
        {
            Require(map.Symbols.SequenceEqual(other.Symbols), "symbols have other values");
            Require(map.Stubs.SequenceEqual(other.Stubs) && map.Got.SequenceEqual(other.Got), "stubs or slots are others");
            Require(map.Segments.SequenceEqual(other.Segments), "another layout");
        }

        void Require(bool isTrue, string what)
        {
            if (!isTrue)
            {
                throw new FindingException(kind, what);
            }
        }
    }

    /// <summary>Where errors are, and of which kind: messages may tell addresses, which are the memory's choice.</summary>
    private IEnumerable<(LinkErrorCode, LinkLocation)> Places => _errors.Select(error => (error.Code, error.Where));

    private string Text => string.Join('\n', _errors);
}
