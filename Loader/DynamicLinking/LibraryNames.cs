using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>A library as native code sees it: its names, and where it looks for what it does not define. Thread-safe.</summary>
/// <remarks>
/// Who uses it keeps it: the library itself, its units and its entries. When all of these have gone, nobody looks anything up for
/// it, so that it keeps no other libraries any more, though libraries that are linked to it may still look at its names and keep
/// their memory. So libraries that are linked to one another do not keep one another for ever.
/// </remarks>
internal sealed class LibraryNames
{
    // struct library of Interface.c
    private const int Names = 0;
    private const int Scope = 8;
    private const int Size = 16;

    private readonly Lock _gate = new();
    private readonly Readers _readers;
    private readonly NativeBlock _record;
    private NativeBlock? _scope;
    private LibraryNames[] _linked = [];
    private int _users = 1;
    private int _links; // of libraries that are linked to it

    private LibraryNames(Readers readers, NativeBlock record)
    {
        (_readers, _record) = (readers, record);
        Table = new NameTable(readers, Address + Names);
        SetScope([], []);
    }

    /// <summary>Makes one that defines nothing, and looks nowhere else; its maker uses it.</summary>
    internal static LibraryNames Create(Readers readers) => new(readers, new NativeBlock(Size));

    /// <summary>Address of its record.</summary>
    internal ulong Address => _record.Address;

    /// <summary>What it defines; the library's own lock guards it.</summary>
    internal NameTable Table { get; }

    /// <summary>Whether its memory has been given back, or will be when nobody reads it any more.</summary>
    internal bool HasEnded
    {
        get
        {
            lock (_gate)
            {
                return _users is 0 && _links is 0;
            }
        }
    }

    /// <summary>Says where it looks for what it does not define. The caller uses it.</summary>
    /// <param name="libraries">First these libraries; one that has ended is left out.</param>
    /// <param name="handles">Then these handles of the host's dynamic linker.</param>
    internal void SetScope(IEnumerable<LibraryNames> libraries, IReadOnlyCollection<ulong> handles)
    {
        LibraryNames[] linked = [.. libraries.Where(library => library.TryLink())];
        var scope = new NativeBlock(sizeof(ulong) * (2 + linked.Length + handles.Count));
        int offset = 0;
        foreach (ulong word in (IEnumerable<ulong>)
            [(ulong)linked.Length, (ulong)handles.Count, .. linked.Select(library => library.Address), .. handles])
        {
            BinaryPrimitives.WriteUInt64LittleEndian(scope.Bytes[offset..], word);
            offset += sizeof(ulong);
        }

        NativeBlock? old;
        LibraryNames[] oldLinked;
        lock (_gate)
        {
            (old, oldLinked) = (_scope, _linked);
            (_scope, _linked) = (scope, linked);
            NativeBytes.StoreWord(Address + Scope, scope.Address);
        }

        Leave(old, oldLinked);
    }

    /// <summary>Uses it until <see cref="Release"/>.</summary>
    /// <returns>False if all that used it have gone already.</returns>
    internal bool TryUse()
    {
        lock (_gate)
        {
            return _users is not 0 && ++_users > 0;
        }
    }

    /// <summary>Uses it no more.</summary>
    internal void Release()
    {
        NativeBlock? scope;
        LibraryNames[] linked;
        bool hasEnded;
        lock (_gate)
        {
            if (--_users is not 0)
            {
                return;
            }

            (scope, linked, hasEnded) = (_scope, _linked, _links is 0);
            (_scope, _linked) = (null, []);
        }

        Leave(scope, linked);
        if (hasEnded)
        {
            _readers.Retire(_record);
        }
    }

    private void Leave(NativeBlock? scope, LibraryNames[] linked)
    {
        if (scope is not null)
        {
            _readers.Retire(scope);
        }

        Array.ForEach(linked, static library => library.Unlink());
    }

    private bool TryLink()
    {
        lock (_gate)
        {
            return _users is not 0 && ++_links > 0;
        }
    }

    private void Unlink()
    {
        bool hasEnded;
        lock (_gate)
        {
            hasEnded = --_links is 0 && _users is 0;
        }

        if (hasEnded)
        {
            _readers.Retire(_record); // it has left all others already
        }
    }
}
