using ElfLoader.Linking;

namespace ElfLoader.Loading;

/// <summary>Which way a function moves blocks of memory between those who allocate and those who release them.</summary>
[Flags]
internal enum BlockTransfer : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>It allocates what its caller releases.</summary>
    Gives = 1,

    /// <summary>It releases, or allocates anew, what its caller has allocated.</summary>
    Takes = 2,
}

/// <summary>Functions that allocate and release the same kind of blocks: what one of them gives, only the others can take.</summary>
/// <param name="Flag">A bit that no other family has.</param>
/// <param name="Name">What they are called together.</param>
/// <param name="Allocating">Those that give blocks.</param>
/// <param name="Releasing">Those that take blocks.</param>
internal sealed record AllocationFamily(int Flag, string Name, string[] Allocating, string[] Releasing)
{
    /// <summary>C's (ISO C, 7.24.3, and what glibc adds).</summary>
    internal static AllocationFamily C { get; } = new(
        1,
        "malloc and free",
        [
            "malloc", "calloc", "realloc", "reallocarray", "aligned_alloc", "memalign", "posix_memalign", "valloc", "pvalloc",
        ],
        ["free", "realloc", "reallocarray", "cfree", "malloc_usable_size"]);

    /// <summary>The replaceable functions for single objects (ISO C++, [new.delete.single]), which std::allocator uses, too.</summary>
    internal static AllocationFamily Single { get; } = new(
        2,
        "operator new and operator delete",
        ["_Znwm", "_ZnwmRKSt9nothrow_t"],
        ["_ZdlPv", "_ZdlPvm", "_ZdlPvRKSt9nothrow_t"]);

    /// <summary>Those for arrays ([new.delete.array]).</summary>
    internal static AllocationFamily Array { get; } = new(
        4,
        "operator new[] and operator delete[]",
        ["_Znam", "_ZnamRKSt9nothrow_t"],
        ["_ZdaPv", "_ZdaPvm", "_ZdaPvRKSt9nothrow_t"]);

    /// <summary>Those for single objects of more than usual alignment.</summary>
    internal static AllocationFamily AlignedSingle { get; } = new(
        8,
        "operator new and operator delete with std::align_val_t",
        ["_ZnwmSt11align_val_t", "_ZnwmSt11align_val_tRKSt9nothrow_t"],
        ["_ZdlPvSt11align_val_t", "_ZdlPvmSt11align_val_t", "_ZdlPvSt11align_val_tRKSt9nothrow_t"]);

    /// <summary>Those for arrays of such objects.</summary>
    internal static AllocationFamily AlignedArray { get; } = new(
        16,
        "operator new[] and operator delete[] with std::align_val_t",
        ["_ZnamSt11align_val_t", "_ZnamSt11align_val_tRKSt9nothrow_t"],
        ["_ZdaPvSt11align_val_t", "_ZdaPvmSt11align_val_t", "_ZdaPvSt11align_val_tRKSt9nothrow_t"]);

    /// <summary>All of them.</summary>
    internal static AllocationFamily[] All { get; } = [C, Single, Array, AlignedSingle, AlignedArray];

    /// <summary>All names of its functions, once each, as tables of names look them up.</summary>
    internal HashedName[] Names { get; } = [.. Allocating.Union(Releasing).Select(static name => new HashedName(name))];

    /// <summary>Its functions that would meet what another one does: who defines these is in conflict with that.</summary>
    internal IEnumerable<string> Opposite(BlockTransfer transfer) =>
        ((transfer & BlockTransfer.Gives) != 0 ? Releasing : []).Concat((transfer & BlockTransfer.Takes) != 0 ? Allocating : []);
}
