using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader.Linking;

/// <summary>
/// Data outside of a unit that its relocations reach relative to their places, in fewer bits than an address has: what the unit
/// must lie near to. Remembers the lowest and the highest, and where they are referred to.
/// </summary>
internal struct ReachedData
{
    // A larger addend leads out of the symbol's library, and is left to the check of the relocated value.
    private const long LargestAddend = 1L << 30;

    private Reference _lowest;
    private Reference _highest;

    /// <summary>The addresses, from the lowest to the highest; empty if nothing is reached so.</summary>
    internal AddressRange Range { get; private set; }

    /// <summary>Adds what a relocation refers to.</summary>
    /// <param name="address">Address of the symbol.</param>
    /// <param name="file">The object.</param>
    /// <param name="section">Its section that is relocated.</param>
    /// <param name="record">The relocation.</param>
    internal void Add(ulong address, LinkObject file, int section, in RelocationRecord record)
    {
        ulong other = record.Addend is > -LargestAddend and < LargestAddend
            ? unchecked(address + (ulong)record.Addend)
            : address;
        (ulong low, ulong high) = (Math.Min(address, other), Math.Max(address, other));
        if (high - low > (ulong)LargestAddend)
        {
            low = high = address; // the sum has wrapped around
        }

        if (Range.Contains(low) && Range.Contains(high))
        {
            return;
        }

        var reference = new Reference(file, section, record.Offset, (int)record.Symbol, address);
        _lowest = _lowest.File is null || address < _lowest.Address ? reference : _lowest;
        _highest = _highest.File is null || address > _highest.Address ? reference : _highest;
        Range = Range.Join(new AddressRange(low, high == ulong.MaxValue ? high : high + 1));
    }

    /// <summary>Says that the unit can have no memory near all of it.</summary>
    internal readonly LinkException Refusal(SymbolResolution resolution, MemoryException exception)
    {
        string reason = _lowest.Address == _highest.Address
            ? $"{_lowest.Describe(resolution)}, and the code must lie within 2 GiB of it, where there is no room ({exception.Message})"
            : $"{_highest.Describe(resolution)}, and {_lowest.Describe(resolution)}, and the code must lie within 2 GiB of "
                + $"{(_highest.Owner(resolution) == _lowest.Owner(resolution) ? _highest.Owner(resolution) : "both")}, "
                + $"where there is no room ({exception.Message})";
        string otherwise = _lowest.IsShared(resolution) || _highest.IsShared(resolution)
            ? $", or load with {nameof(VagueLinkage)}.{nameof(VagueLinkage.Private)}"
            : "";
        return new LinkException(exception,
        [
            new LinkError(LinkErrorCode.Placement, _highest.Location, $"{reason}; {ReachAdvice.OfDefaultCode}{otherwise}"),
        ]);
    }

    /// <summary>One place that refers to data elsewhere.</summary>
    private readonly record struct Reference(LinkObject File, int Section, ulong Offset, int Symbol, ulong Address)
    {
        internal LinkLocation Location => File.At(Section, Offset, Symbol);

        /// <summary>Whether the object has a definition of its own, which gives way.</summary>
        internal bool IsShared(SymbolResolution resolution) => resolution.Symbols[File.Bound(Symbol).Global].IsShared;

        /// <summary>The library that the data belongs to, for messages.</summary>
        internal string Owner(SymbolResolution resolution) => resolution.DescribeOutside(File.Bound(Symbol).Global);

        internal string Describe(SymbolResolution resolution) => ReachAdvice.DescribeData(resolution, File, Symbol);
    }
}
