namespace ElfLoader.Fuzz;

/// <summary>Random numbers that are the same everywhere for the same seed and number of an item (SplitMix64).</summary>
internal struct FuzzRandom
{
    private ulong _state;

    /// <summary>The numbers of one item of a run, independent of those before it, so that a run can be resumed.</summary>
    internal FuzzRandom(ulong seed, long item) => _state = Mix(seed ^ Mix((ulong)item + 0x9e37_79b9_7f4a_7c15));

    /// <summary>64 random bits.</summary>
    internal ulong Next()
    {
        _state += 0x9e37_79b9_7f4a_7c15;
        return Mix(_state);
    }

    /// <summary>A number from 0 to <paramref name="count"/> - 1; 0 where that is 0.</summary>
    internal int Below(int count) => (int)(((Next() >> 32) * (ulong)count) >> 32);

    /// <summary>True in so many of a hundred cases.</summary>
    internal bool Percent(int percent) => Below(100) < percent;

    /// <summary>One of some.</summary>
    internal T Pick<T>(ReadOnlySpan<T> of) => of[Below(of.Length)];

    /// <summary>A number that is often a limit: near a power of two, small, minus something, or any.</summary>
    internal long Limit(int bits = 64)
    {
        long value = Below(8) switch
        {
            0 => Below(16),
            1 => -Below(16),
            2 or 3 => (1L << Below(bits)) + Below(3) - 1,
            4 => -(1L << Below(bits)) + Below(3) - 1,
            5 => (long)(Next() >> (64 - bits)),
            6 => (long)(Next() >> (64 - bits)) & 0xffff,
            _ => (long)Next() >> Below(64),
        };
        return value;
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58_476d_1ce4_e5b9;
        value = (value ^ (value >> 27)) * 0x94d0_49bb_1331_11eb;
        return value ^ (value >> 31);
    }
}
