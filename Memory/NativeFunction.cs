using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>Turns addresses into delegates and delegates into addresses.</summary>
public static class NativeFunction
{
    /// <summary>A delegate that calls the native function at an address.</summary>
    /// <remarks>Calling it after the code has been freed is a fault of the process.</remarks>
    public static TDelegate At<TDelegate>(nint address)
        where TDelegate : Delegate => Marshal.GetDelegateForFunctionPointer<TDelegate>(address);

    /// <summary>An address at which native code can call a delegate, for as long as the delegate is kept alive.</summary>
    public static nint PointerTo<TDelegate>(TDelegate function)
        where TDelegate : Delegate => Marshal.GetFunctionPointerForDelegate(function);
}
