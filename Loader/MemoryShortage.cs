namespace ElfLoader;

/// <summary>
/// A lack of memory as any other reason that an input is refused for: how much is needed depends on what it claims. Whoever reads or
/// links catches it once, at the public entry, where what was begun has been taken back.
/// </summary>
internal static class MemoryShortage
{
    /// <summary>Makes the exception.</summary>
    /// <param name="name">What could not be read or linked.</param>
    /// <param name="what">What was being done with it, as the end of the sentence "there is not enough memory to".</param>
    /// <param name="cause">What the allocation threw.</param>
    internal static LinkException Of(string name, string what, OutOfMemoryException cause) => new(
        cause, [new LinkError(LinkErrorCode.LimitExceeded, new LinkLocation(name), $"there is not enough memory to {what}")]);
}
