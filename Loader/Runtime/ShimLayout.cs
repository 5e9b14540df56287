namespace ElfLoader.Runtime;

/// <summary>
/// Where things lie in the shim: distances from its start, the same in the file and in memory. <c>Shim.s</c> has the
/// same numbers.
/// </summary>
internal static class ShimLayout
{
    /// <summary>Bytes in a page.</summary>
    public const int Page = 0x1000;

    /// <summary>The constants that the code reads, one word each in the order of <see cref="ShimConstants"/>.</summary>
    public const int Constants = 0xf00;

    /// <summary>The machine code.</summary>
    public const int Code = 0x1000;

    /// <summary>The one GOT slot: distance of the TLS block from the thread pointer.</summary>
    public const int Got = 0x2000;

    /// <summary>The dynamic section.</summary>
    public const int Dynamic = 0x2040;

    /// <summary>gdb's <c>struct jit_descriptor</c>.</summary>
    public const int JitDescriptor = 0x3000;

    /// <summary>The pthread key whose destructor frees a thread's blocks: a 32-bit word.</summary>
    public const int Key = 0x3050;

    /// <summary>32 bits: not 0 while a publication lets nobody into epochs.</summary>
    public const int EpochPending = 0x3058;

    /// <summary>32 bits: counts the threads that left an epoch while a publication was pending.</summary>
    public const int EpochLeft = 0x3060;

    /// <summary>The number of publications.</summary>
    public const int EpochGeneration = 0x3068;

    /// <summary>The function that finds the code of an entry that has none.</summary>
    public const int Resolve = 0x3078;

    /// <summary>The initial image of the TLS block.</summary>
    public const int TlsImage = 0x3080;

    /// <summary>Alignment of the TLS block: all that glibc gives to a library opened at run time.</summary>
    public const int TlsAlignment = 64;

    /// <summary>
    /// Bytes at the start of the TLS block that are not the arena's: a generation word, and the five words that the
    /// code calls VECTOR, DTORS, DTORS_KNOWN with ROUND, EPOCH and OWED.
    /// </summary>
    public const int TlsHead = 48;

    /// <summary>Bytes at the end of the TLS block that are not the arena's: a second generation word.</summary>
    public const int TlsTail = 8;
}

/// <summary>What the shim's code needs from outside: addresses in the host and two numbers.</summary>
internal readonly record struct ShimConstants(
    ulong Malloc,
    ulong Free,
    ulong Calloc,
    ulong AlignedAlloc,
    ulong Abort,
    ulong MutexLock,
    ulong MutexUnlock,
    ulong SetSpecific,
    ulong ThreadAtExit,
    ulong TlsGetAddr,
    ulong Modules,
    ulong StateSize,
    ulong ErrnoLocation,
    ulong GetThreadId,
    ulong AtExit,
    ulong ForkState)
{
    /// <summary>The words as they lie in the image.</summary>
    public ReadOnlySpan<ulong> Words => new[]
    {
        Malloc, Free, Calloc, AlignedAlloc, Abort, MutexLock, MutexUnlock, SetSpecific, ThreadAtExit, TlsGetAddr,
        Modules, StateSize, ErrnoLocation, GetThreadId, AtExit, ForkState,
    };
}
