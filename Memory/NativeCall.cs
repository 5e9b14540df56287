namespace ElfLoader.Memory;

/// <summary>
/// Calls native functions by address, with the C calling convention and integer or pointer arguments; the result of one
/// that returns nothing means nothing. The caller vouches for the address and for the signature; the code must not throw into managed frames. Safe from any thread, as far as the function is.
/// </summary>
public static unsafe class NativeCall
{
    /// <summary>Calls a function without arguments.</summary>
    public static ulong Call(ulong function) => ((delegate* unmanaged<ulong>)function)();

    /// <summary>Calls a function with one argument.</summary>
    public static ulong Call(ulong function, ulong first) => ((delegate* unmanaged<ulong, ulong>)function)(first);

    /// <summary>Calls a function with two arguments.</summary>
    public static ulong Call(ulong function, ulong first, ulong second) =>
        ((delegate* unmanaged<ulong, ulong, ulong>)function)(first, second);

    /// <summary>Calls a function with three arguments.</summary>
    public static ulong Call(ulong function, ulong first, ulong second, ulong third) =>
        ((delegate* unmanaged<ulong, ulong, ulong, ulong>)function)(first, second, third);

    /// <summary>Calls a function with four arguments.</summary>
    public static ulong Call(ulong function, ulong first, ulong second, ulong third, ulong fourth) =>
        ((delegate* unmanaged<ulong, ulong, ulong, ulong, ulong>)function)(first, second, third, fourth);

    /// <summary>
    /// Calls a function with one argument, the address of words that it may read and write during the call.
    /// </summary>
    public static ulong Call(ulong function, Span<ulong> words)
    {
        fixed (ulong* start = words)
        {
            return ((delegate* unmanaged<ulong*, ulong>)function)(start);
        }
    }

    /// <summary>Calls <c>void f(int, char **, char **)</c>, as entries of <c>.init_array</c> are.</summary>
    public static void Initializer(ulong function, int argc, nint argv, nint envp) =>
        ((delegate* unmanaged<int, nint, nint, void>)function)(argc, argv, envp);

    /// <summary>Calls <c>void *f(void)</c>: the resolver of an IFUNC symbol; gives the address to use.</summary>
    public static nint Resolve(ulong function) => ((delegate* unmanaged<nint>)function)();

    /// <summary>Calls <c>int main(int, char **, char **)</c>; gives its status.</summary>
    public static int Main(ulong function, int argc, nint argv, nint envp) =>
        ((delegate* unmanaged<int, nint, nint, int>)function)(argc, argv, envp);
}
