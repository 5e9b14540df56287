using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>A library as native code sees it: its names, and where it looks for what it does not define. Thread-safe.</summary>
/// <remarks>Whoever refers to it, be it a unit or another library, keeps its memory.</remarks>
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
    private int _references = 1;

    private LibraryNames(Readers readers, NativeBlock record)
    {
        (_readers, _record) = (readers, record);
        Table = new NameTable(readers, Address + Names);
        SetScope([], []);
    }

    /// <summary>Makes one that defines nothing, and looks nowhere else.</summary>
    internal static LibraryNames Create(Readers readers) => new(readers, new NativeBlock(Size));

    /// <summary>Address of its record.</summary>
    internal ulong Address => _record.Address;

    /// <summary>What it defines; the library's own lock guards it.</summary>
    internal NameTable Table { get; }

    /// <summary>Says where it looks for what it does not define.</summary>
    /// <param name="libraries">First these libraries.</param>
    /// <param name="handles">Then these handles of the host's dynamic linker.</param>
    internal void SetScope(LibraryNames[] libraries, IReadOnlyCollection<ulong> handles)
    {
        var scope = new NativeBlock(sizeof(ulong) * (2 + libraries.Length + handles.Count));
        int offset = 0;
        foreach (ulong word in (IEnumerable<ulong>)
            [(ulong)libraries.Length, (ulong)handles.Count, .. libraries.Select(library => library.Address), .. handles])
        {
            BinaryPrimitives.WriteUInt64LittleEndian(scope.Bytes[offset..], word);
            offset += sizeof(ulong);
        }

        Array.ForEach(libraries, library => library.AddReference());
        NativeBlock? old;
        LibraryNames[] oldLinked;
        lock (_gate)
        {
            (old, oldLinked) = (_scope, _linked);
            (_scope, _linked) = (scope, libraries);
            NativeBytes.StoreWord(Address + Scope, scope.Address);
        }

        if (old is not null)
        {
            _readers.Retire(old);
        }

        Array.ForEach(oldLinked, library => library.Release());
    }

    /// <summary>Keeps its memory until <see cref="Release"/>.</summary>
    internal void AddReference() => Interlocked.Increment(ref _references);

    /// <summary>Lets go of it; who was the last frees it, when nobody reads it any more.</summary>
    internal void Release()
    {
        if (Interlocked.Decrement(ref _references) is 0)
        {
            _readers.Retire(_scope!);
            Array.ForEach(_linked, library => library.Release());
            _readers.Retire(_record);
        }
    }
}
