using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>The one managed function that machine code of the loader calls.</summary>
public static unsafe class ReverseCall
{
    private static Func<ulong, ulong>? s_function;

    /// <summary>Makes a managed function callable as <c>uint64_t f(uint64_t)</c>, from any thread.</summary>
    /// <param name="function">
    /// The function. What it throws ends the process with the exception's message: there is nobody in between to catch it.
    /// </param>
    /// <exception cref="InvalidOperationException">There is one already.</exception>
    public static ulong AddressOf(Func<ulong, ulong> function)
    {
        if (Interlocked.CompareExchange(ref s_function, function, null) is not null)
        {
            throw new InvalidOperationException("There is one such function in a process.");
        }

        return (ulong)(delegate* unmanaged[Cdecl]<ulong, ulong>)&Invoke;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong Invoke(ulong argument)
    {
        try
        {
            return s_function!(argument);
        }
        catch (Exception exception)
        {
            Environment.FailFast(exception.Message, exception);
            throw;
        }
    }
}
