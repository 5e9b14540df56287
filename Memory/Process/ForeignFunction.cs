namespace ElfLoader.Memory;

/// <summary>
/// Calls functions by address, with integer and pointer arguments as the System V ABI passes them. The caller vouches
/// for the address and the signature. May be used from any thread.
/// </summary>
public static unsafe class ForeignFunction
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
}
