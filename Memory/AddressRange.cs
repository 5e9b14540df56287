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

    /// <summary>Whether a signed 32-bit displacement spans any byte of this range and any byte of the other.</summary>
    public bool Reaches(AddressRange other)
    {
        ulong low = Math.Min(Start, other.Start);
        ulong high = Math.Max(End, other.End);
        return high - low <= 1UL << 31;
    }

    /// <summary>Formats as <c>7f0000000000-7f0000001000</c>.</summary>
    public override string ToString() => $"{Start:x}-{End:x}";
}
