namespace ElfLoader.Memory;

/// <summary>
/// Calls native functions by address, with the C calling convention. The caller vouches for the address and for the
/// signature; the code must not throw into managed frames. Safe from any thread, as far as the function is.
/// </summary>
public static unsafe class NativeCall
{
    /// <summary>Calls <c>void f(void)</c>.</summary>
    public static void Call(ulong function) => ((delegate* unmanaged<void>)function)();

    /// <summary>Calls <c>void f(void *)</c>.</summary>
    public static void Call(ulong function, nint argument) =>
        ((delegate* unmanaged<nint, void>)function)(argument);

    /// <summary>Calls <c>void f(int, char **, char **)</c>, as entries of <c>.init_array</c> are.</summary>
    public static void Initializer(ulong function, int argc, nint argv, nint envp) =>
        ((delegate* unmanaged<int, nint, nint, void>)function)(argc, argv, envp);

    /// <summary>Calls <c>void *f(void)</c>: the resolver of an IFUNC symbol; gives the address to use.</summary>
    public static nint Resolve(ulong function) => ((delegate* unmanaged<nint>)function)();

    /// <summary>Calls <c>int main(int, char **, char **)</c>; gives its status.</summary>
    public static int Main(ulong function, int argc, nint argv, nint envp) =>
        ((delegate* unmanaged<int, nint, nint, int>)function)(argc, argv, envp);

    /// <summary>
    /// Calls <c>void f(void *)</c> with unwind data: <c>__register_frame</c> and <c>__deregister_frame</c> of libgcc.
    /// </summary>
    /// <param name="function">Address of the function.</param>
    /// <param name="ehFrame">First CIE; the section ends with a zero word.</param>
    public static void RegisterFrame(ulong function, ulong ehFrame) => Call(function, (nint)ehFrame);
}
