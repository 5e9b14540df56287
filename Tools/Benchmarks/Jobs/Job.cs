using ElfLoader.Benchmarks.Inputs;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>Jobs by name, as a command line gives them.</summary>
/// <param name="Kind">Name of the job.</param>
/// <param name="List">The objects' paths, one a line.</param>
/// <param name="Threads">How many threads it may use.</param>
internal sealed record Job(string Kind, string List, int Threads = 1)
{
    /// <summary>Loads as one batch.</summary>
    public const string Load = "load";

    /// <summary>Loads one by one.</summary>
    public const string Each = "each";

    /// <summary>Links as an image.</summary>
    public const string Image = "image";

    /// <summary>Loads a small object, to call it.</summary>
    public const string Small = "small";

    /// <summary>Throws for the first time after objects have been loaded.</summary>
    public const string Throw = "throw";

    /// <summary>Its command line, for a worker.</summary>
    public IEnumerable<string> Arguments =>
        ["worker", Kind, List, "--threads", $"{Threads}", .. IsCold ? ["--cold"] : (string[])[]];

    /// <summary>Whether it starts at once, without warming up.</summary>
    public bool IsCold { get; init; }

    /// <summary>Prepares it.</summary>
    public IJob Create()
    {
        var objects = ObjectSet.Listed(List);
        return Kind switch
        {
            Load => new LoadBatch(objects, Threads),
            Each => new LoadEach(objects, Threads),
            Image => new LinkAsImage(objects),
            Small => new CallSmall(objects, Threads),
            Throw => new FirstThrow(objects),
            _ => throw new MeasurementException($"there is no job '{Kind}'"),
        };
    }
}
