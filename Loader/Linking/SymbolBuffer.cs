using System.Buffers;

namespace ElfLoader.Linking;

/// <summary>Memory in which the symbols of one object after the other are bound. Each thread has its own.</summary>
internal sealed class SymbolBuffer : IDisposable
{
    private const int MostRented = 4096; // what is rented stays for the next link

    private readonly int _most;
    private BoundSymbol[] _memory = [];
    private LinkObject? _borrower;

    /// <param name="most">Symbols of the object that has most.</param>
    internal SymbolBuffer(int most) => _most = most;

    /// <summary>Binds an object's symbols, unless they are bound for good; those of the object before are not bound any more.</summary>
    internal void Lend(LinkObject file)
    {
        if (!file.IsBound)
        {
            _borrower?.TakeBack();
            _borrower = file;
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
        _borrower?.TakeBack();
        _borrower = null;
        if (_most <= MostRented && _memory.Length > 0)
        {
            ArrayPool<BoundSymbol>.Shared.Return(_memory);
        }

        _memory = [];
    }
}
