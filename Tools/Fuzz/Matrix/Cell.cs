using ElfLoader.Fuzz.Differential;

namespace ElfLoader.Fuzz.Matrix;

/// <summary>What one tool made of the cases of one type.</summary>
internal sealed class Cell
{
    private readonly SortedDictionary<string, int> _fitting = [];
    private readonly SortedDictionary<string, int> _beyond = [];

    /// <summary>A word that stands for all cases: the tool crashed, or does not know the type.</summary>
    internal string? Word { get; set; }

    /// <summary>Counts a case.</summary>
    /// <param name="fits">Whether the value fits by the ABI.</param>
    /// <param name="what">What the tool did.</param>
    internal void Add(bool fits, string what)
    {
        SortedDictionary<string, int> counts = fits ? _fitting : _beyond;
        counts[what] = counts.GetValueOrDefault(what) + 1;
    }

    /// <summary>In words: what fits, then what does not.</summary>
    public override string ToString()
    {
        if (Word is not null)
        {
            return Word;
        }

        string fitting = Describe(_fitting);
        return _beyond.Count is 0 ? fitting : $"{fitting}; beyond: {Describe(_beyond)}";
    }

    /// <summary>In one word, for a reason of the comparison with us.</summary>
    internal static string Of(Reason reason) => reason switch
    {
        Reason.Equal or Reason.OwnSlot => "right",
        Reason.OwnVeneer or Reason.VeneerInReach or Reason.Exchanged or Reason.StubOutOfReach => "stub",
        Reason.RelaxedByOne => "right, by other code",
        Reason.AddendAddedToThumbBit => "wrong with T and an odd addend",
        Reason.AddendLostInStub => "stub, addend lost",
        Reason.DirectionNotWritten or Reason.SignIgnored => "wrong sign",
        Reason.LandsBesideStub => "beside its stub",
        Reason.RotationMisread => "addend misread",
        Reason.DistanceNotWrapped => "not wrapped",
        Reason.ThumbBitAfterDistance => "T misplaced",
        Reason.CheckedBeforeRounding or Reason.CutToFit => "cut",
        Reason.StaticBaseIsZero => "B(S) is 0",
        Reason.FieldMisplaced => "wrong bits",
        Reason.SizeIsSigned => "signed",
        _ => "differs",
    };

    private static string Describe(SortedDictionary<string, int> counts) => counts.Count switch
    {
        0 => "–",
        1 => counts.Keys.First(),
        _ => string.Join(", ", counts.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Value} {pair.Key}")),
    };
}
