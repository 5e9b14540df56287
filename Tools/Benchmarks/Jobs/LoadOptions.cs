using System.Reflection;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>Options for loading what is not going to run.</summary>
internal static class LoadOptions
{
    private static readonly PropertyInfo? Parallelism = typeof(ObjectLibraryOptions).GetProperty("MaximumParallelism");

    /// <summary>Whether a load can use more threads than the caller's.</summary>
    public static bool HasParallelism => Parallelism is not null;

    /// <summary>
    /// As for the peers: everything undefined has one address, the process is not searched, and no code runs.
    /// </summary>
    public static ObjectLibraryOptions Inert(int threads) => With(
        threads, new ObjectLibraryOptions { AllowUndefined = true, RunCode = false, UseHostProcess = false });

    /// <summary>Options with a number of threads.</summary>
    public static ObjectLibraryOptions With(int threads, ObjectLibraryOptions options)
    {
        Parallelism?.SetValue(options, threads);
        return options;
    }
}
