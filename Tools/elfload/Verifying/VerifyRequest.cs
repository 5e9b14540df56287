namespace ElfLoader.Tools.Verifying;

/// <summary>What to check.</summary>
/// <param name="Files">The files that hold the checks.</param>
/// <param name="Prefixes">What stands before the colon of a line that is one; null for the usual ones.</param>
internal sealed record VerifyRequest(IReadOnlyList<string> Files, IReadOnlyList<string>? Prefixes);
