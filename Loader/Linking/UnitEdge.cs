namespace ElfLoader.Linking;

/// <summary>
/// That one unit uses another: an element of two lists, of what the one uses and of who uses the other, in the order in which
/// it was noted. <see cref="UnitGraph"/> guards it.
/// </summary>
internal sealed class UnitEdge
{
    private UnitEdge? _previousUse;
    private UnitEdge? _previousUser;

    internal UnitEdge(LoadedUnit user, LoadedUnit used)
    {
        User = user;
        Used = used;
    }

    /// <summary>The unit that uses the other.</summary>
    internal LoadedUnit User { get; }

    /// <summary>The unit that is used.</summary>
    internal LoadedUnit Used { get; }

    /// <summary>How much of it.</summary>
    internal UnitUse Use { get; set; }

    /// <summary>What the user uses next.</summary>
    internal UnitEdge? NextUse { get; private set; }

    /// <summary>Who uses the used next.</summary>
    internal UnitEdge? NextUser { get; private set; }

    /// <summary>Puts it at the end of both lists.</summary>
    internal void Link()
    {
        _previousUse = User.LastUse;
        if (_previousUse is { } use)
        {
            use.NextUse = this;
        }
        else
        {
            User.FirstUse = this;
        }

        User.LastUse = this;
        _previousUser = Used.LastUser;
        if (_previousUser is { } user)
        {
            user.NextUser = this;
        }
        else
        {
            Used.FirstUser = this;
        }

        Used.LastUser = this;
    }

    /// <summary>Takes it out of both lists.</summary>
    internal void Unlink()
    {
        if (_previousUse is { } use)
        {
            use.NextUse = NextUse;
        }
        else
        {
            User.FirstUse = NextUse;
        }

        if (NextUse is { } nextUse)
        {
            nextUse._previousUse = _previousUse;
        }
        else
        {
            User.LastUse = _previousUse;
        }

        if (_previousUser is { } user)
        {
            user.NextUser = NextUser;
        }
        else
        {
            Used.FirstUser = NextUser;
        }

        if (NextUser is { } nextUser)
        {
            nextUser._previousUser = _previousUser;
        }
        else
        {
            Used.LastUser = _previousUser;
        }

        (_previousUse, NextUse, _previousUser, NextUser) = (null, null, null, null);
    }
}
