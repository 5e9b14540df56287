namespace ElfLoader.Redirection;

/// <summary>What a library held at one moment.</summary>
/// <param name="Publications">How often definitions had been replaced or taken away.</param>
/// <param name="Changes">How often definitions had been added or taken away.</param>
/// <param name="Units">The place of the next unit: while nothing is taken away, those that are added stand from there on.</param>
internal readonly record struct ContentsState(long Publications, ContentsChanges Changes, int Units);

/// <summary>How often definitions of libraries have been added and taken away.</summary>
/// <param name="Additions">How often some that a link may have missed have been added.</param>
/// <param name="Removals">How often some that a link may have relied on have been taken away.</param>
internal readonly record struct ContentsChanges(long Additions, long Removals)
{
    public static ContentsChanges operator +(ContentsChanges left, ContentsChanges right) =>
        new(left.Additions + right.Additions, left.Removals + right.Removals);

    public static ContentsChanges operator -(ContentsChanges left, ContentsChanges right) =>
        new(left.Additions - right.Additions, left.Removals - right.Removals);
}
