namespace ElfLoader.Benchmarks.Jobs;

/// <summary>Options for loading what is not going to run.</summary>
internal static class LoadOptions
{
    /// <summary>
    /// As for the peers: everything undefined has one address, the process is not searched, and no code runs.
    /// </summary>
    public static ObjectLibraryOptions Inert(int threads) => new()
    {
        AllowUndefined = true,
        RunCode = false,
        UseHostProcess = false,
        MaximumParallelism = threads,
    };
}
