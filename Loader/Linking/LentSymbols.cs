using System.Buffers;

namespace ElfLoader.Linking;

/// <summary>Memory in which the symbols of one object after the other are bound. Each thread has its own.</summary>
internal sealed class LentSymbols : IDisposable
{
    private const int MostRented = 4096; // what is rented stays for the next link

    private readonly int _most;
    private BoundSymbol[] _memory = [];

    /// <param name="objects">The objects of the link.</param>
    /// <param name="range">Those of them that it is for.</param>
    internal LentSymbols(IReadOnlyList<LinkObject> objects, Range range)
    {
        (int start, int count) = range.GetOffsetAndLength(objects.Count);
        for (int i = start; i < start + count; i++)
        {
            _most = Math.Max(_most, objects[i].IsBound ? 0 : objects[i].SymbolCount);
        }
    }

    /// <summary>Binds an object's symbols, unless they are bound for good.</summary>
    internal void Lend(LinkObject file)
    {
        if (!file.IsBound)
        {
            if (_memory.Length is 0)
            {
                _memory = _most <= MostRented ? ArrayPool<BoundSymbol>.Shared.Rent(_most) : new BoundSymbol[_most];
            }

            file.Lend(_memory);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_most <= MostRented && _memory.Length > 0)
        {
            ArrayPool<BoundSymbol>.Shared.Return(_memory);
        }

        _memory = [];
    }
}
