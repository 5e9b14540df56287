namespace ElfLoader.Memory;

/// <summary>
/// A value that is made when it is asked for first, and once. Where making it fails, the next one who asks tries again: what was
/// missing, such as a free descriptor, may be there then.
/// </summary>
/// <param name="make">Makes it; what it throws goes to who asked.</param>
/// <remarks>Thread-safe: who asks while it is made waits.</remarks>
public sealed class MadeOnce<T>(Func<T> make)
    where T : class
{
    private readonly Lock _gate = new();
    private volatile T? _value;

    /// <summary>The value.</summary>
    public T Value
    {
        get
        {
            if (_value is { } made)
            {
                return made;
            }

            lock (_gate)
            {
                return _value ??= make();
            }
        }
    }

    /// <summary>Whether it has been made.</summary>
    public bool IsMade => _value is not null;
}
