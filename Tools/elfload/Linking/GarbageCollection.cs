using System.Runtime;

namespace ElfLoader.Tools.Linking;

/// <summary>Keeps the garbage collector from looking for what could go while there is nothing: a link keeps what it has until it ends.</summary>
internal static class GarbageCollection
{
    private const long Least = 4L << 20; // bytes of input: below, there is no collection anyway, and to put it off costs more
    private const long Most = 64L << 20; // above, a collection is a small part of it all
    private const long SmallObjects = 8L << 20;

    /// <summary>
    /// Puts collections off until a link of these files has probably ended. If it needs more memory than that, the collector
    /// goes on as ever.
    /// </summary>
    internal static void PutOff(IReadOnlyList<string> files)
    {
        long size = 0;
        foreach (string file in files)
        {
            var input = new FileInfo(file is { Length: > 0 } && !file.Contains('\0') ? file : ".");
            size += input.Exists ? Math.Min(input.Length, Most) : 0;
        }

        if (size is < Least or > Most || GCSettings.LatencyMode is GCLatencyMode.NoGCRegion)
        {
            return;
        }

        long large = (2 * size) + Least; // the input, and the image with its tables
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
