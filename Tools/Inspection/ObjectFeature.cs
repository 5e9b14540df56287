namespace ElfLoader.Inspection;

/// <summary>Something an object needs from whoever loads it.</summary>
/// <param name="Name">A short name: <c>tls-initial-exec</c>.</param>
/// <param name="Meaning">What that means, in a few words.</param>
/// <param name="Count">How often; 0 where counting makes no sense.</param>
/// <param name="Where">The first place, or null.</param>
public sealed record ObjectFeature(string Name, string Meaning, int Count = 0, string? Where = null)
{
    /// <summary>What to do where it is not supported; null where it is.</summary>
    public string? Unsupported { get; init; }

    /// <summary>The code of the error with which a link refuses it; null where none does.</summary>
    public LinkErrorCode? Code { get; init; }

    /// <summary>The links that refuse it.</summary>
    public LinkTargets RefusedBy { get; init; }
}
