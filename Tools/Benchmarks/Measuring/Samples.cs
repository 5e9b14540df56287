namespace ElfLoader.Benchmarks.Measuring;

/// <summary>Times of the same thing, in milliseconds.</summary>
internal sealed class Samples
{
    private readonly double[] _sorted;

    /// <summary>Sorts the times.</summary>
    public Samples(IEnumerable<double> times) => _sorted = [.. times.Order()];

    /// <summary>How many.</summary>
    public int Count => _sorted.Length;

    /// <summary>The shortest.</summary>
    public double Minimum => _sorted[0];

    /// <summary>The middle one.</summary>
    public double Median => At(0.5);

    /// <summary>A quarter is shorter.</summary>
    public double LowerQuartile => At(0.25);

    /// <summary>A quarter is longer.</summary>
    public double UpperQuartile => At(0.75);

    private double At(double share)
    {
        double place = share * (_sorted.Length - 1);
        int below = (int)place;
        int above = Math.Min(below + 1, _sorted.Length - 1);
        return _sorted[below] + ((place - below) * (_sorted[above] - _sorted[below]));
    }
}
