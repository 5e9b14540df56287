namespace ElfLoader.Linking;

/// <summary>Collects the problems of a phase, so that all are reported and not only the first.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class LinkErrors
{
    /// <summary>A hostile object can have as many errors as relocations: past this many, they are only counted.</summary>
    internal const int Kept = 100;

    private readonly Lock _gate = new();
    private readonly List<LinkError> _errors = [];
    private int _dropped;

    /// <summary>Whether there are any.</summary>
    internal bool Any => _errors.Count > 0;

    /// <summary>Counts one that would not be kept anyway: its message need not be made.</summary>
    /// <returns>False if there is room; then it is to be added.</returns>
    internal bool TryOnlyCount()
    {
        lock (_gate)
        {
            if (_errors.Count < Kept)
            {
                return false;
            }

            _dropped++;
            return true;
        }
    }

    /// <summary>Adds one.</summary>
    internal void Add(LinkError error)
    {
        lock (_gate)
        {
            if (_errors.Count < Kept)
            {
                _errors.Add(error);
            }
            else
            {
                _dropped++;
            }
        }
    }

    /// <summary>Adds one, located.</summary>
    internal void Add(LinkErrorCode code, LinkLocation where, string message) => Add(new LinkError(code, where, message));

    /// <summary>Ends the link if there are any.</summary>
    /// <exception cref="LinkException">There are.</exception>
    internal void ThrowIfAny()
    {
        if (!Any)
        {
            return;
        }

        if (_dropped > 0)
        {
            _errors.Add(_errors[^1] with { Message = $"and {_dropped} more like these" });
        }

        throw new LinkException(_errors);
    }
}
