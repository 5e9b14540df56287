namespace ElfLoader.Benchmarks.Jobs;

/// <summary>What one run took.</summary>
/// <param name="Milliseconds">Time of what is timed; cleaning up is not.</param>
/// <param name="Allocated">Managed bytes allocated meanwhile.</param>
internal readonly record struct Measurement(double Milliseconds, long Allocated);

/// <summary>Something that this loader does, over and over.</summary>
internal interface IJob
{
    /// <summary>Does it once, and cleans up.</summary>
    Measurement Run();
}
