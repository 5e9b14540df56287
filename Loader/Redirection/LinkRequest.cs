namespace ElfLoader.Redirection;

/// <summary>What a link is for.</summary>
/// <param name="Wanted">A name whose archive member is linked as well; null for none.</param>
/// <param name="Replace">How it takes the place of what is loaded; null: it does not.</param>
/// <param name="IsLazy">Whether it is for a call that is waiting, so that it must not wait for epochs.</param>
internal sealed record LinkRequest(byte[]? Wanted = null, ReplaceOptions? Replace = null, bool IsLazy = false)
{
    /// <summary>Names that count as undefined from the start: archive members that define them are linked as well.</summary>
    internal IReadOnlyList<byte[]> Required { get; init; } = [];

    /// <summary>The function that a program starts with; null where the link is of no program.</summary>
    internal string? Called { get; init; }

    /// <summary>Nothing but to load what is given.</summary>
    internal static LinkRequest Ordinary { get; } = new();
}
