using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>A unit's place in the directory.</summary>
/// <remarks>Thread-safe: who frees a unit, and who hides all as nobody looks any more, may meet.</remarks>
internal sealed class UnitListing
{
    private readonly LinkerInterface _interface;
    private readonly Lock _gate = new();
    private readonly string _name;
    private readonly ulong _tlsModule;
    private UnitRecord _record;
    private long _moment; // at which nobody uses it any more; 0 as long as it is in the directory

    /// <summary>Makes a unit known; null if its library is not known any more.</summary>
    internal static UnitListing? TryCreate(
        LinkerInterface owner, LoadedUnit unit, UnitSegments segments, LibraryNames library, bool isLoading)
    {
        if (!library.TryUse())
        {
            return null;
        }

        try
        {
            return new UnitListing(owner, unit, segments, library, isLoading);
        }
        catch (OutOfMemoryException)
        {
            library.Release();
            throw;
        }
    }

    private UnitListing(LinkerInterface owner, LoadedUnit unit, UnitSegments segments, LibraryNames library, bool isLoading)
    {
        _interface = owner;
        Library = library;
        _name = unit.Name;
        Segments = segments;
        _tlsModule = unit.Resources.Tls?.Id ?? 0;
        _record = UnitRecord.Of(_name, segments, UnitSymbol.Of(unit), _tlsModule, library, isLoading);
        try
        {
            owner.Directory.Add(_record.Block.Address, segments.Ranges);
        }
        catch (OutOfMemoryException)
        {
            _record.Block.Dispose();
            throw;
        }
    }

    /// <summary>The library, as native code knows it.</summary>
    internal LibraryNames Library { get; }

    /// <summary>Where its parts lie.</summary>
    internal UnitSegments Segments { get; private set; }

    /// <summary>Says that the unit's library has its names from here on.</summary>
    internal void EndLoading() => _record.EndLoading();

    /// <summary>Takes the code out, and lets the rest stay.</summary>
    /// <returns>False while a thread may still look at it.</returns>
    internal bool TryWithdrawCode(AddressRange code)
    {
        lock (_gate)
        {
            UnitSegments rest = Segments.WithoutCode();
            if (_moment is 0 && rest.Loads.Count < Segments.Loads.Count)
            {
                UnitRecord old = _record;
                _record = UnitRecord.Of(_name, rest, old.SymbolsOutside(code), _tlsModule, Library, isLoading: false);
                Segments = rest;
                _interface.Directory.Replace(old.Block.Address, _record.Block.Address, rest.Ranges);
                _interface.Readers.Retire(old.Block);
            }
        }

        return _interface.Readers.HasPassed(_interface.Readers.Mark());
    }

    /// <summary>Takes the unit out.</summary>
    /// <returns>False while a thread may still look at it; then again later.</returns>
    internal bool TryWithdraw() => _interface.Readers.HasPassed(Withdraw());

    /// <summary>Takes the unit out, and waits for nobody.</summary>
    /// <returns>The moment at which nobody uses it any more.</returns>
    internal long Withdraw()
    {
        lock (_gate)
        {
            if (_moment is 0)
            {
                _interface.Directory.Remove(_record.Block.Address);
                _moment = _interface.Readers.Mark();
                _interface.Readers.Retire(_record.Block);
                Library.Release();
            }

            return _moment;
        }
    }
}
