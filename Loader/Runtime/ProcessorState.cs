using System.Runtime.Intrinsics.X86;

namespace ElfLoader.Runtime;

/// <summary>How much room the processor's vector registers take when they are saved.</summary>
internal static class ProcessorState
{
    private const int LegacyAndHeader = 512 + 64;
    private const int FirstExtended = 2;
    private const int LastExtended = 62;

    /// <summary>
    /// Bytes that <c>xsave</c> writes for all state components but the AMX tiles (Intel SDM, "Managing State Using the
    /// XSAVE Feature Set"); 0 where there is no <c>xsave</c>.
    /// </summary>
    public static int Size()
    {
        const int SystemUsesXSave = 1 << 27;
        if (!X86Base.IsSupported || (X86Base.CpuId(1, 0).Ecx & SystemUsesXSave) is 0)
        {
            return 0;
        }

        (int low, _, _, int high) = X86Base.CpuId(0xd, 0);
        ulong components = (uint)low | ((ulong)(uint)high << 32);
        int end = LegacyAndHeader;
        for (int component = FirstExtended; component <= LastExtended; component++)
        {
            bool isTile = component is 17 or 18;
            if ((components >> component & 1) is 0 || isTile)
            {
                continue;
            }

            (int size, int start, _, _) = X86Base.CpuId(0xd, component);
            end = Math.Max(end, start + size);
        }

        return (end + 63) & ~63;
    }
}
