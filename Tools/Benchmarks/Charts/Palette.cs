namespace ElfLoader.Benchmarks.Charts;

/// <summary>Each contestant has its colour in all charts.</summary>
internal static class Palette
{
    /// <summary>The class of a contestant's marks.</summary>
    public static string Of(string name) => name switch
    {
        "ElfLoader" or "elfload link" => "c0",
        _ when name.StartsWith("ElfLoader", StringComparison.Ordinal) => "c1",
        _ when name.StartsWith("RuntimeDyld", StringComparison.Ordinal) => "c2",
        _ when name.Contains("jitlink", StringComparison.OrdinalIgnoreCase) => "c3",
        "floor" or "empty .NET program" => "c4",
        _ => "c5",
    };
}
