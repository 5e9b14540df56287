using System.Text;
using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>The place in the directory of some entries of functions that can be redirected: <c>&amp;f</c> is the address of one.</summary>
/// <remarks>Whoever guards the entries guards it; threads read it meanwhile.</remarks>
internal sealed class EntryListing
{
    private readonly LinkerInterface _interface;
    private readonly LibraryNames _library;
    private readonly NativeBlock _names; // addresses of texts
    private readonly NativeBlock?[] _texts;
    private readonly NativeBlock _record;

    /// <summary>Makes entries known, which have no names yet; null if their library is not known any more.</summary>
    /// <param name="owner">Where to.</param>
    /// <param name="name">Name of the library.</param>
    /// <param name="range">Their addresses.</param>
    /// <param name="entrySize">Bytes of each.</param>
    /// <param name="unwindTable">Address of their unwind table.</param>
    /// <param name="library">The library.</param>
    internal static EntryListing? TryCreate(
        LinkerInterface owner, string name, AddressRange range, int entrySize, ulong unwindTable, LibraryNames library)
    {
        if (!library.TryUse())
        {
            return null;
        }

        int count = (int)(range.Size / (ulong)entrySize);
        var names = new NativeBlock(count * sizeof(ulong));
        UnitRecord record = UnitRecord.OfEntries(name, range.Start, entrySize, names.Address, unwindTable, library);
        owner.Directory.Add(record.Block.Address, [range], isListed: false);
        return new EntryListing(owner, library, names, record.Block, count);
    }

    private EntryListing(LinkerInterface owner, LibraryNames library, NativeBlock names, NativeBlock record, int count)
    {
        (_interface, _library, _names, _record) = (owner, library, names, record);
        _texts = new NativeBlock?[count];
    }

    /// <summary>Says whose entry one is; null for nobody's.</summary>
    internal void SetName(int index, string? name)
    {
        NativeBlock? old = _texts[index];
        _texts[index] = null;
        if (name is not null)
        {
            byte[] text = [.. Encoding.UTF8.GetBytes(name), 0];
            var block = new NativeBlock(text.Length);
            text.CopyTo(block.Bytes);
            _texts[index] = block;
        }

        NativeBytes.StoreWord(_names.Address + (ulong)(index * sizeof(ulong)), _texts[index]?.Address ?? 0);
        if (old is not null)
        {
            _interface.Readers.Retire(old);
        }
    }

    /// <summary>Takes them out.</summary>
    internal void Withdraw()
    {
        _interface.Directory.Remove(_record.Address);
        for (int i = 0; i < _texts.Length; i++)
        {
            SetName(i, null);
        }

        _interface.Readers.Retire(_record);
        _interface.Readers.Retire(_names);
        _library.Release();
    }
}
