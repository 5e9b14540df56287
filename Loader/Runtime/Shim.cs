using System.ComponentModel;
using System.Globalization;
using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>
/// The shim, opened: where its parts are in this process. There is one in a process; it is never closed.
/// </summary>
internal sealed class Shim
{
    /// <summary>Modules that can be loaded at the same time, each with thread-local storage of its own.</summary>
    public const int MaximumModules = 1 << 18;

    /// <summary>Bytes of one entry of the module table: image, image size, block size, alignment.</summary>
    public const int ModuleSize = 32;

    private readonly SharedObjectFile _file;

    private Shim(SharedObjectFile file, ulong start, int tlsSize, ulong modules)
    {
        _file = file;
        Start = start;
        TlsSize = tlsSize;
        Modules = modules;
        ThreadPointer = Function("thread_pointer");
        TlsBase = (long)NativeBytes.LoadWord(start + ShimLayout.Got);
    }

    /// <summary>Address of its first byte.</summary>
    public ulong Start { get; }

    /// <summary>Bytes of its TLS block.</summary>
    public int TlsSize { get; }

    /// <summary>Distance of its TLS block from each thread's thread pointer; negative.</summary>
    public long TlsBase { get; }

    /// <summary>Address of the module table.</summary>
    public ulong Modules { get; }

    /// <summary>Address of the initial image of its TLS block, from which glibc starts new threads.</summary>
    public ulong TlsImage => Start + ShimLayout.TlsImage;

    /// <summary>Path under which gdb and the dynamic linker know it.</summary>
    public string Path => _file.Path;

    private ulong ThreadPointer { get; }

    /// <summary>The calling thread's thread pointer.</summary>
    public ulong CurrentThreadPointer => NativeCall.Call(ThreadPointer);

    /// <summary>Opens it with the largest TLS block that the host grants.</summary>
    /// <param name="wishedTlsSize">Bytes to try first; 0 for whatever is likely to be had.</param>
    /// <exception cref="LinkException">It could not be opened.</exception>
    public static Shim Open(int wishedTlsSize = 0)
    {
        ShimConstants constants = Constants();
        ulong modules = ProcessMemory.Reserve(MaximumModules * ModuleSize);
        if (modules is 0)
        {
            throw Failure(LinkErrorCode.LimitExceeded, "no address space for the table of thread-local modules");
        }

        constants = constants with { Modules = modules };
        int most = wishedTlsSize > 0 ? wishedTlsSize : LikelyTlsSize();
        string error = "";
        foreach (Func<string, SharedObjectFile> create in (Func<string, SharedObjectFile>[])[
            SharedObjectFile.InMemory, SharedObjectFile.InFolder])
        {
            if (TryOpen(create, constants, most, ref error) is { } shim)
            {
                return shim;
            }
        }

        ProcessMemory.Release(modules, MaximumModules * ModuleSize);
        throw Failure(LinkErrorCode.LimitExceeded, $"the host cannot open it: {error}");
    }

    /// <summary>Writes it to a file and opens that, with the largest TLS block that the host grants.</summary>
    private static Shim? TryOpen(
        Func<string, SharedObjectFile> create, in ShimConstants constants, int mostTls, ref string error)
    {
        SharedObjectFile? file = null;
        try
        {
            file = create("elfloader-shim");
            for (int size = (mostTls + 63) & ~63; size > 0; size -= ShimLayout.TlsAlignment)
            {
                file.Write(ShimImage.Write(constants, size));
                ulong library = DynamicLinker.Open(file.Path, out string refusal);
                if (library is not 0)
                {
                    file.Forget();
                    ulong start = DynamicLinker.Find(library, "__jit_debug_descriptor"u8) - ShimLayout.JitDescriptor;
                    return new Shim(file, start, size, constants.Modules);
                }

                error = refusal;
            }
        }
        catch (Win32Exception exception)
        {
            error = exception.Message;
        }

        file?.Dispose();
        return null;
    }

    /// <summary>Gives each child that is forked from now on copies of what the loader's memory files hold.</summary>
    /// <exception cref="LinkException">The C library has no memory for it.</exception>
    public void HandleForks()
    {
        ulong register = Host("__register_atfork"u8);
        if (NativeCall.Call(
            register, Function("before_fork"), Function("after_fork_in_parent"), Function("after_fork_in_child"), 0) is not 0)
        {
            throw Failure(LinkErrorCode.LimitExceeded, "no memory for the handlers of fork");
        }
    }

    /// <summary>Address of a function of <c>Shim.s</c>.</summary>
    public ulong Function(string name) => Start + ShimLayout.Code + (ulong)ShimImage.Find(name).Offset;

    /// <summary>
    /// What glibc can give to libraries opened at run time: 1,664 bytes, of which 512 are the tunable's default
    /// (measured, glibc 2.36).
    /// </summary>
    private static int LikelyTlsSize()
    {
        const string Tunable = "glibc.rtld.optional_static_tls=";
        const int Fixed = 1_152;
        const int Default = 512;
        const int Most = 1 << 20;
        string tunables = Environment.GetEnvironmentVariable("GLIBC_TUNABLES") ?? "";
        foreach (string tunable in tunables.Split(':'))
        {
            if (tunable.StartsWith(Tunable, StringComparison.Ordinal)
                && TryParseNumber(tunable.AsSpan(Tunable.Length), out int size))
            {
                return Math.Min(size, Most) + Fixed;
            }
        }

        return Default + Fixed;
    }

    private static bool TryParseNumber(ReadOnlySpan<char> text, out int number) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? int.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static ShimConstants Constants() => new(
        Malloc: Host("malloc"u8),
        Free: Host("free"u8),
        Calloc: Host("calloc"u8),
        AlignedAlloc: Host("aligned_alloc"u8),
        Abort: Host("abort"u8),
        MutexLock: Host("pthread_mutex_lock"u8),
        MutexUnlock: Host("pthread_mutex_unlock"u8),
        SetSpecific: Host("pthread_setspecific"u8),
        ThreadAtExit: Host("__cxa_thread_atexit_impl"u8),
        TlsGetAddr: Host("__tls_get_addr"u8),
        Modules: 0,
        StateSize: (ulong)ProcessorState.Size(),
        ErrnoLocation: Host("__errno_location"u8),
        GetThreadId: Host("gettid"u8),
        AtExit: Host("__cxa_atexit"u8),
        ForkState: ForkHandling.State);

    /// <summary>Address of a function that the C library must have.</summary>
    public static ulong Host(ReadOnlySpan<byte> name)
    {
        ulong address = DynamicLinker.Find(DynamicLinker.Process, name);
        return address is not 0
            ? address
            : throw Failure(
                LinkErrorCode.Unsupported,
                $"the host's C library has no {System.Text.Encoding.UTF8.GetString(name)}; glibc is needed");
    }

    private static LinkException Failure(LinkErrorCode code, string message) =>
        new(code, new LinkLocation("elfloader-shim"), message);
}
