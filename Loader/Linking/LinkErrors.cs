namespace ElfLoader.Linking;

/// <summary>Collects the problems of a phase, so that all are reported and not only the first.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class LinkErrors
{
    /// <summary>A hostile object can have as many errors as relocations: past this many, they are only counted.</summary>
    internal const int Kept = 100;

    private List<LinkError>? _errors; // most links have none; it is its own lock
    private int _dropped;

    /// <summary>Whether there are any.</summary>
    internal bool Any => _errors is not null;

    /// <summary>Counts one that would not be kept anyway: its message need not be made.</summary>
    /// <returns>False if there is room; then it is to be added.</returns>
    internal bool TryOnlyCount()
    {
        if (_errors is not { } errors)
        {
            return false;
        }

        lock (errors)
        {
            if (errors.Count < Kept)
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
        List<LinkError> errors = _errors ?? Interlocked.CompareExchange(ref _errors, [], null) ?? _errors;
        lock (errors)
        {
            if (errors.Count < Kept)
            {
                errors.Add(error);
            }
            else
            {
                _dropped++;
            }
        }
    }

    /// <summary>Adds one, located.</summary>
    internal void Add(LinkErrorCode code, LinkLocation where, string message) => Add(new LinkError(code, where, message));

    /// <summary>The message for a second definition.</summary>
    /// <param name="symbol">What is defined.</param>
    /// <param name="provider">Name of whoever defines it already.</param>
    /// <param name="definer">Name of the object that defines it again.</param>
    internal static string AlreadyDefined(string symbol, string provider, string definer) =>
        $"'{symbol}' is defined already by "
        + (provider == definer ? "another object of that name, or by the same one, given twice" : provider);

    /// <summary>Ends the link if there are any.</summary>
    /// <exception cref="LinkException">There are.</exception>
    internal void ThrowIfAny()
    {
        if (_errors is null)
        {
            return;
        }

        if (_dropped > 0)
        {
            _errors.Add(new LinkError(_errors[^1].Code, new LinkLocation(""), $"and {_dropped} more like these"));
        }

        throw new LinkException(_errors);
    }
}
