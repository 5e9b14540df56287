using System.Runtime.InteropServices;

namespace ElfLoader.Memory.Linux;

/// <summary>Makes instruction fetch see what was written as data.</summary>
/// <remarks>
/// On x86-64 it always does (Intel SDM, "Self-Modifying Code"). Arm processors have caches of instructions that know nothing of
/// stores (Arm Architecture Reference Manual, "Caches and instruction fetch").
/// </remarks>
internal static class InstructionCache
{
    private static readonly bool IsCoherent = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86;

    /// <summary>To be called once code has been written, before it runs at these addresses.</summary>
    /// <param name="start">First address, as code sees it.</param>
    /// <param name="size">Bytes.</param>
    /// <exception cref="MemoryException">The system refused.</exception>
    internal static void Synchronize(ulong start, ulong size)
    {
        if (!IsCoherent && size > 0 && !Libc.FlushInstructionCache(start, start + size))
        {
            throw Libc.Failure($"The instruction cache can't be synchronised for {CountText.Of(size, "byte", "N0")}");
        }
    }
}
