using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>A stub: code through which a place reaches a target.</summary>
internal struct Stub
{
    /// <summary>Ordinal of the object whose symbol is the target, where it is local; else -1.</summary>
    internal int Object;

    /// <summary>Global name, or, for a local target, symbol index in the object.</summary>
    internal int Symbol;

    /// <summary>Address of the code.</summary>
    internal ulong Address;

    /// <summary>Offset of the code in the code block.</summary>
    internal ulong Offset;

    /// <summary>Offset of its address word in the read-only-after-relocation block.</summary>
    internal ulong SlotOffset;

    /// <summary>Address of its address word.</summary>
    internal ulong SlotAddress;

    /// <summary>Address of the function that returns the target, for STT_GNU_IFUNC; else 0.</summary>
    internal ulong Resolver;

    /// <summary>Whether the target is an STT_GNU_IFUNC of this unit.</summary>
    internal bool IsIfunc;
}

/// <summary>What stays of a stub when its unit has been loaded.</summary>
/// <param name="Object">As <see cref="Stub.Object"/>.</param>
/// <param name="Symbol">As <see cref="Stub.Symbol"/>.</param>
/// <param name="Address">Address of the code.</param>
/// <param name="SlotAddress">Address of its address word.</param>
/// <param name="IsIfunc">As <see cref="Stub.IsIfunc"/>.</param>
internal readonly record struct PlacedStub(int Object, int Symbol, ulong Address, ulong SlotAddress, bool IsIfunc);

/// <summary>The stubs of a unit, one for each target, bounded by the scan before memory is laid out.</summary>
internal sealed class StubTable
{
    // Most units have none of these.
    private Dictionary<(int Object, int Symbol), int>? _locals;
    private Stub[] _stubs = [];
    private SharedArray<PlacedStub> _placed;

    /// <summary>Number of stubs.</summary>
    internal int Count { get; private set; }

    /// <summary>The stubs.</summary>
    internal Span<Stub> All => _stubs.AsSpan(0, Count);

    /// <summary>What stays of the stubs; they have addresses.</summary>
    internal ReadOnlyMemory<PlacedStub> Keep()
    {
        if (Count is 0)
        {
            return default;
        }

        PlacedStub[] placed = _placed.Take(Count, out int first);
        for (int i = 0; i < Count; i++)
        {
            ref readonly Stub stub = ref _stubs[i];
            placed[first + i] = new PlacedStub(stub.Object, stub.Symbol, stub.Address, stub.SlotAddress, stub.IsIfunc);
        }

        return placed.AsMemory(first, Count);
    }

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        _locals = null;
        Count = 0;
    }

    /// <summary>Makes sure that a global name has a stub.</summary>
    internal void WantGlobal(ref LinkSymbol symbol, int index, bool isIfunc)
    {
        if (symbol.Stub is 0)
        {
            symbol.Stub = Add(-1, index, isIfunc) + 1;
        }
    }

    /// <summary>Makes sure that a local symbol has a stub.</summary>
    internal void WantLocal(LinkObject file, int symbol, bool isIfunc)
    {
        _locals ??= [];
        if (!_locals.ContainsKey((file.Ordinal, symbol)))
        {
            _locals.Add((file.Ordinal, symbol), Add(file.Ordinal, symbol, isIfunc));
        }
    }

    /// <summary>The stub of a bound symbol, or -1.</summary>
    internal int Find(LinkSymbols symbols, LinkObject file, int symbol)
    {
        int global = file.Global(symbol);
        return global >= 0
            ? symbols[global].Stub - 1
            : _locals is not null && _locals.TryGetValue((file.Ordinal, symbol), out int index) ? index : -1;
    }

    private int Add(int file, int symbol, bool isIfunc)
    {
        if (Count == _stubs.Length)
        {
            Array.Resize(ref _stubs, Math.Max(1, Count * 2));
        }

        _stubs[Count] = new Stub { Object = file, Symbol = symbol, IsIfunc = isIfunc };
        return Count++;
    }
}
