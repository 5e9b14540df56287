using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>
/// Which addresses belong to which unit, as native code looks it up: a sorted array, which is made anew for each change and
/// published with one store. Thread-safe.
/// </summary>
internal sealed class UnitDirectory
{
    // struct directory of Interface.c
    private const int Added = 0;
    private const int Removed = 8;
    private const int UnitCount = 16;
    private const int RangeCount = 24;
    private const int Units = 32;
    private const int Ranges = 40;
    private const int RangeSize = 24;

    private readonly Lock _gate = new();
    private readonly Readers _readers;
    private readonly ulong _owner;
    private readonly List<ulong> _units = [];
    private readonly ulong _last;
    private readonly List<(AddressRange Range, ulong Unit)> _ranges = [];
    private NativeBlock? _published;
    private ulong _added;
    private ulong _removed;

    /// <param name="readers">Who tells when memory can be freed.</param>
    /// <param name="owner">Address of the word that points to the directory.</param>
    /// <param name="last">Address of the record of a unit that comes after all others, and stays.</param>
    /// <param name="ranges">Its addresses.</param>
    internal UnitDirectory(Readers readers, ulong owner, ulong last, IEnumerable<AddressRange> ranges)
    {
        (_readers, _owner, _last) = (readers, owner, last);
        Add(last, ranges, isListed: false);
    }

    /// <summary>Makes a unit known.</summary>
    /// <param name="unit">Address of its record.</param>
    /// <param name="ranges">Its addresses.</param>
    /// <param name="isListed">Whether it is one of those that <c>dl_iterate_phdr</c> goes through.</param>
    internal void Add(ulong unit, IEnumerable<AddressRange> ranges, bool isListed = true)
    {
        lock (_gate)
        {
            if (isListed)
            {
                _units.Add(unit);
                _added++;
            }

            foreach (AddressRange range in ranges)
            {
                _ranges.Insert(IndexOf(range.Start), (range, unit));
            }

            Publish();
        }
    }

    /// <summary>Puts another record of the same unit into the place of one.</summary>
    internal void Replace(ulong unit, ulong other, IEnumerable<AddressRange> ranges)
    {
        lock (_gate)
        {
            _units[_units.IndexOf(unit)] = other;
            _ = _ranges.RemoveAll(range => range.Unit == unit);
            foreach (AddressRange range in ranges)
            {
                _ranges.Insert(IndexOf(range.Start), (range, other));
            }

            _added++; // whoever keeps what it has found looks again
            _removed++;
            Publish();
        }
    }

    /// <summary>Forgets a unit. Threads may still use what they have found of it.</summary>
    internal void Remove(ulong unit)
    {
        lock (_gate)
        {
            _removed += _units.Remove(unit) ? 1UL : 0;
            _ = _ranges.RemoveAll(range => range.Unit == unit);
            Publish();
        }
    }

    private int IndexOf(ulong address)
    {
        int low = 0;
        int high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _ranges[middle].Range.Start <= address ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private void Publish()
    {
        int units = Ranges + (_ranges.Count * RangeSize);
        var block = new NativeBlock(checked(units + ((_units.Count + 1) * sizeof(ulong))));
        Span<byte> bytes = block.Bytes;
        Put(bytes, Added, _added);
        Put(bytes, Removed, _removed);
        Put(bytes, UnitCount, (ulong)_units.Count + 1);
        Put(bytes, RangeCount, (ulong)_ranges.Count);
        Put(bytes, Units, block.Address + (ulong)units);
        int place = Ranges;
        foreach ((AddressRange range, ulong unit) in _ranges)
        {
            Put(bytes, place, range.Start);
            Put(bytes, place + 8, range.End);
            Put(bytes, place + 16, unit);
            place += RangeSize;
        }

        foreach (ulong unit in _units)
        {
            Put(bytes, place, unit);
            place += sizeof(ulong);
        }

        Put(bytes, place, _last);
        NativeBytes.StoreWord(_owner, block.Address);
        if (_published is { } old)
        {
            _readers.Retire(old);
        }

        _published = block;
    }

    private static void Put(Span<byte> bytes, int offset, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[offset..], value);
}
