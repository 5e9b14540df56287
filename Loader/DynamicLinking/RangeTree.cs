using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>
/// Which addresses belong to which unit, as native code looks it up: a tree whose nodes do not change. A change makes those anew
/// that lead to its place, and publishes the new root with one store.
/// </summary>
/// <remarks>
/// It is balanced by numbers that are made of the addresses (a treap: no node has a greater number than the one above it), so that
/// the way to a place is short. Whoever guards the directory guards it; threads read it meanwhile.
/// </remarks>
internal sealed class RangeTree
{
    private readonly Readers _readers;
    private readonly ulong _owner;
    private readonly List<Node> _replaced = [];
    private Node? _root;

    /// <param name="readers">Who tells when memory can be freed.</param>
    /// <param name="owner">Address of the word that points to the root.</param>
    internal RangeTree(Readers readers, ulong owner) => (_readers, _owner) = (readers, owner);

    /// <summary>How many nodes have been made.</summary>
    internal long Steps { get; private set; }

    /// <summary>Puts ranges into the place of others, which overlap with none of those that stay; threads see all of it at once.</summary>
    internal void Change(ReadOnlySpan<AddressRange> gone, ReadOnlySpan<AddressRange> added, ulong unit)
    {
        Node? root = _root;
        try
        {
            foreach (AddressRange range in gone)
            {
                root = range.Size is 0 ? root : Remove(root, range.Start);
            }

            foreach (AddressRange range in added)
            {
                root = range.Size is 0 ? root : Insert(root, range, unit, PriorityOf(range.Start));
            }
        }
        catch (OutOfMemoryException)
        {
            _replaced.Clear(); // they stay
            throw;
        }

        _root = root;
        NativeBytes.StoreWord(_owner, _root?.Address ?? 0);
        _replaced.ForEach(node => _readers.Retire(node.Block));
        _replaced.Clear();
    }

    private Node Insert(Node? node, AddressRange range, ulong unit, ulong priority)
    {
        if (node is null || priority > node.Priority)
        {
            (Node? left, Node? right) = Split(node, range.Start);
            Steps++;
            return new Node(range, unit, priority, left, right);
        }

        return range.Start < node.Range.Start
            ? With(node, Insert(node.Left, range, unit, priority), node.Right)
            : With(node, node.Left, Insert(node.Right, range, unit, priority));
    }

    private Node? Remove(Node? node, ulong start)
    {
        if (node is null)
        {
            return null;
        }

        if (start == node.Range.Start)
        {
            _replaced.Add(node);
            return Merge(node.Left, node.Right);
        }

        return start < node.Range.Start
            ? With(node, Remove(node.Left, start), node.Right)
            : With(node, node.Left, Remove(node.Right, start));
    }

    private (Node? Below, Node? Above) Split(Node? node, ulong start)
    {
        if (node is null)
        {
            return (null, null);
        }

        if (node.Range.Start < start)
        {
            (Node? below, Node? above) = Split(node.Right, start);
            return (With(node, node.Left, below), above);
        }
        else
        {
            (Node? below, Node? above) = Split(node.Left, start);
            return (below, With(node, above, node.Right));
        }
    }

    private Node? Merge(Node? below, Node? above) =>
        below is null ? above
        : above is null ? below
        : below.Priority > above.Priority ? With(below, below.Left, Merge(below.Right, above))
        : With(above, Merge(below, above.Left), above.Right);

    private Node With(Node node, Node? left, Node? right)
    {
        _replaced.Add(node);
        Steps++;
        return new Node(node.Range, node.Unit, node.Priority, left, right);
    }

    /// <summary>A number for an address that neighbours do not share (the finalizer of SplitMix64).</summary>
    private static ulong PriorityOf(ulong address)
    {
        address = (address ^ (address >> 30)) * 0xbf58476d1ce4e5b9;
        address = (address ^ (address >> 27)) * 0x94d049bb133111eb;
        return address ^ (address >> 31);
    }

    private sealed class Node
    {
        // struct range of Interface.c
        private const int End = 8;
        private const int OfUnit = 16;
        private const int OnLeft = 24;
        private const int OnRight = 32;
        private const int Size = 40;

        internal Node(AddressRange range, ulong unit, ulong priority, Node? left, Node? right)
        {
            (Range, Unit, Priority, Left, Right) = (range, unit, priority, left, right);
            Span<byte> bytes = Block.Bytes;
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, range.Start);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[End..], range.End);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[OfUnit..], unit);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[OnLeft..], left?.Address ?? 0);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[OnRight..], right?.Address ?? 0);
        }

        internal AddressRange Range { get; }

        internal ulong Unit { get; }

        internal ulong Priority { get; }

        internal Node? Left { get; }

        internal Node? Right { get; }

        internal NativeBlock Block { get; } = new(Size);

        internal ulong Address => Block.Address;
    }
}
