using System.Numerics;

namespace ElfLoader.Libraries;

/// <summary>
/// Elements by index, of which there may be many: in blocks, which stay where they are and are no large objects, of which each few
/// megabytes cost a collection of everything.
/// </summary>
internal struct BlockArray<T>
    where T : struct
{
    private const int BlockBits = 6;
    private const int BlockSize = 1 << BlockBits;

    private T[][] _blocks; // the first grows, the others are whole

    /// <param name="least">Elements that there is room for at first, at least 1.</param>
    internal BlockArray(int least) => _blocks = [new T[least]];

    /// <summary>An element that has been added.</summary>
    internal readonly ref T this[int index] => ref _blocks[index >> BlockBits][index & (BlockSize - 1)];

    /// <summary>Makes room for so many elements altogether.</summary>
    internal void Reserve(int count)
    {
        int first = Math.Min(count, BlockSize);
        if (_blocks[0].Length < first)
        {
            Array.Resize(ref _blocks[0], (int)BitOperations.RoundUpToPowerOf2((uint)first));
        }

        int blocks = _blocks.Length;
        int wanted = (count + BlockSize - 1) >> BlockBits;
        if (wanted > blocks)
        {
            Array.Resize(ref _blocks, wanted + (blocks / 4));
        }
    }

    /// <summary>Adds the element behind the last one.</summary>
    /// <param name="index">Its index: how many there are.</param>
    internal ref T Add(int index)
    {
        Reserve(index + 1);
        _blocks[index >> BlockBits] ??= new T[BlockSize];
        return ref this[index];
    }
}
