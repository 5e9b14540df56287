namespace ElfLoader.Benchmarks.Inputs;

/// <summary>Where the sources are.</summary>
internal static class Repository
{
    private static readonly Lazy<string> Folder = new(Find);

    /// <summary>The repository's first folder.</summary>
    public static string Root => Folder.Value;

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "loader.sln")))
            {
                return folder.FullName;
            }
        }

        throw new MeasurementException("the benchmarks must be run from where they were built, in the repository");
    }
}
