using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>Lets a test decide that a call to the system fails, at the place where it is made.</summary>
internal static class SystemFaults
{
    /// <summary>
    /// Given the name of a call before it is made, gives the error number that it is to fail with, or 0. Null, as but in such a
    /// test, costs one comparison.
    /// </summary>
    internal static Func<string, int>? Choose { get; set; }

    /// <summary>Whether a call is not to be made, because it has failed.</summary>
    internal static bool Fails(string call)
    {
        if (Choose?.Invoke(call) is not (> 0 and int error))
        {
            return false;
        }

        Marshal.SetLastPInvokeError(error);
        return true;
    }
}
