namespace ElfLoader.Memory;

/// <summary>Addresses from <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">Address after the last.</param>
public readonly record struct AddressRange(ulong Start, ulong End)
{
    /// <summary>Bytes.</summary>
    public ulong Size => End - Start;

    /// <summary>Whether the address lies inside.</summary>
    public bool Contains(ulong address) => address >= Start && address < End;

    /// <summary>Whether the other range lies in this one.</summary>
    public bool Contains(AddressRange other) => other.Start >= Start && other.End <= End;

    /// <summary>The range from the first byte of both to the last; of an empty one and another, the other.</summary>
    public AddressRange Join(AddressRange other) => Size is 0 ? other
        : other.Size is 0 ? this
        : new AddressRange(Math.Min(Start, other.Start), Math.Max(End, other.End));

    /// <summary>
    /// Whether a signed 32-bit displacement spans any byte of this range and any byte of the other. Between two libraries that
    /// are less than 4 GiB apart there are addresses that reach both.
    /// </summary>
    public bool Reaches(AddressRange other)
    {
        const ulong reach = 1UL << 31;
        return (End <= other.Start || End - other.Start <= reach) && (other.End <= Start || other.End - Start <= reach);
    }

    /// <summary>Formats as <c>7f0000000000-7f0000001000</c>.</summary>
    public override string ToString() => $"{Start:x}-{End:x}";
}
