using System.Runtime;

namespace ElfLoader.Tools.Linking;

/// <summary>Keeps the garbage collector from looking for what could go while there is nothing: a link keeps what it has until it ends.</summary>
internal static class GarbageCollection
{
    private const long Least = 4L << 20; // bytes of input: below, there is no collection anyway, and to put it off costs more
    private const long Most = 64L << 20; // above, a collection is a small part of it all
    private const long SmallObjects = 8L << 20;

    /// <summary>
    /// Puts collections off until a link of these inputs has probably ended. If it needs more memory than that, the collector
    /// goes on as ever.
    /// </summary>
    internal static void PutOff(InputFiles inputs)
    {
        long size = inputs.Objects.Sum(input => (long)input.Bytes.Length)
            + inputs.Archives.Where(archive => !archive.IsThin) // whose members are files that nobody may need
                .Sum(archive => archive.Members.Sum(member => (long)member.Bytes.Length));
        if (size is < Least or > Most || GCSettings.LatencyMode is GCLatencyMode.NoGCRegion)
        {
            return;
        }

        long large = size + Least; // the image with its tables
        try
        {
            _ = GC.TryStartNoGCRegion(SmallObjects + large, large);
        }
        catch (ArgumentOutOfRangeException)
        {
            // More than the collector may have on this machine: it had better go on.
        }
    }
}
