namespace ElfLoader.Fuzz.Mutating;

/// <summary>
/// A fault that a test plants, by an environment variable: it shows that what kills or stops a worker is found, kept and
/// reduced. Objects have it whose padding after EI_ABIVERSION, which nobody reads, is not zero.
/// </summary>
internal static class PlantedFault
{
    /// <summary>Name of the variable: <c>crash</c>, <c>hang</c>, <c>exception</c> or <c>leak</c>.</summary>
    private const string Variable = "ELFLOADER_FUZZ_FAULT";

    private static readonly string? Kind = Environment.GetEnvironmentVariable(Variable);
    private static readonly List<object> Leaked = [];

    /// <summary>Fails, if it is to and the file is one to fail on.</summary>
    internal static void Meet(ReadOnlySpan<byte> file)
    {
        if (Kind is null || file.Length < 16 || !file.StartsWith("\u007fELF"u8) || !file[9..16].ContainsAnyExcept((byte)0))
        {
            return;
        }

        switch (Kind)
        {
            case "crash":
                Environment.FailFast("planted");
                break;
            case "hang":
                Thread.Sleep(Timeout.Infinite);
                break;
            case "leak":
                Leaked.Add(File.OpenHandle("/dev/null"));
                break;
            default:
                throw new InvalidOperationException("planted");
        }
    }
}
