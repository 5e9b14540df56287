using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>
/// Which units there are, and which addresses belong to them, as native code sees it: a list in the order of loading, and a tree.
/// A change costs the same however many there are, but for the height of the tree. Thread-safe.
/// </summary>
/// <remarks>
/// Threads go through the list while it changes. From a unit that has been taken out they go on to the one that came after it: its
/// memory stays until they have left (<see cref="Readers"/>). The counts change after the list, and are read before it: whoever
/// finds them as they were has seen all that they count.
/// </remarks>
internal sealed class UnitDirectory
{
    // struct directory of Interface.c
    private const int Added = 0;
    private const int Removed = 8;
    private const int First = 16;
    private const int Ranges = 24;
    private const int Size = 32;

    private readonly Lock _gate = new();
    private readonly ulong _words = new NativeBlock(Size).Address; // never freed, as a thread may ask at any time
    private readonly RangeTree _tree;
    private readonly LinkedList<ulong> _listed = [];
    private readonly Dictionary<ulong, (AddressRange[] Ranges, LinkedListNode<ulong>? Place)> _units = [];
    private readonly ulong _last;
    private ulong _added;
    private ulong _removed;

    /// <param name="readers">Who tells when memory can be freed.</param>
    /// <param name="owner">Address of the word that points to the directory.</param>
    /// <param name="last">Address of the record of a unit that comes after all others, and stays.</param>
    /// <param name="ranges">Its addresses.</param>
    internal UnitDirectory(Readers readers, ulong owner, ulong last, IEnumerable<AddressRange> ranges)
    {
        _last = last;
        _tree = new RangeTree(readers, _words + Ranges);
        NativeBytes.StoreWord(_words + First, last);
        NativeBytes.StoreWord(owner, _words);
        Add(last, ranges, isListed: false);
    }

    /// <summary>How much work all changes have been: nodes of the tree that were made.</summary>
    internal long Steps
    {
        get
        {
            lock (_gate)
            {
                return _tree.Steps;
            }
        }
    }

    /// <summary>Makes a unit known.</summary>
    /// <param name="unit">Address of its record.</param>
    /// <param name="ranges">Its addresses.</param>
    /// <param name="isListed">Whether it is one of those that <c>dl_iterate_phdr</c> goes through.</param>
    internal void Add(ulong unit, IEnumerable<AddressRange> ranges, bool isListed = true)
    {
        AddressRange[] all = [.. ranges];
        lock (_gate)
        {
            _tree.Change([], all, unit);
            LinkedListNode<ulong>? place = null;
            if (isListed)
            {
                place = _listed.AddLast(unit);
                NativeBytes.StoreWord(UnitRecord.NextOf(unit), _last);
                NativeBytes.StoreWord(WordBefore(place), unit);
                Count(1, 0);
            }

            _units.Add(unit, (all, place));
        }
    }

    /// <summary>Puts another record of the same unit into the place of one.</summary>
    internal void Replace(ulong unit, ulong other, IEnumerable<AddressRange> ranges)
    {
        AddressRange[] all = [.. ranges];
        lock (_gate)
        {
            _ = _units.Remove(unit, out (AddressRange[] Ranges, LinkedListNode<ulong>? Place) known);
            _tree.Change(known.Ranges, all, other);
            if (known.Place is { } place)
            {
                place.Value = other;
                NativeBytes.StoreWord(UnitRecord.NextOf(other), NativeBytes.LoadWord(UnitRecord.NextOf(unit)));
                NativeBytes.StoreWord(WordBefore(place), other);
                Count(1, 1); // whoever keeps what it has found looks again
            }

            _units.Add(other, (all, known.Place));
        }
    }

    /// <summary>Forgets a unit. Threads may still use what they have found of it.</summary>
    internal void Remove(ulong unit)
    {
        lock (_gate)
        {
            if (!_units.Remove(unit, out (AddressRange[] Ranges, LinkedListNode<ulong>? Place) known))
            {
                return;
            }

            _tree.Change(known.Ranges, [], unit);
            if (known.Place is { } place)
            {
                NativeBytes.StoreWord(WordBefore(place), NativeBytes.LoadWord(UnitRecord.NextOf(unit)));
                _listed.Remove(place);
                Count(0, 1);
            }
        }
    }

    /// <summary>Address of the word that leads to a unit.</summary>
    private ulong WordBefore(LinkedListNode<ulong> place) =>
        place.Previous is { } before ? UnitRecord.NextOf(before.Value) : _words + First;

    private void Count(ulong added, ulong removed)
    {
        NativeBytes.StoreWord(_words + Added, _added += added);
        NativeBytes.StoreWord(_words + Removed, _removed += removed);
    }
}
