using System.Text;

namespace ElfLoader.Demangling;

/// <summary>
/// Where a demangled name is written, with an end: a short mangled name may stand for one that is longer than any memory, because it
/// can refer to its own parts again and again.
/// </summary>
/// <param name="limit">Most characters that are written.</param>
internal sealed class NameWriter(int limit)
{
    /// <summary>Parts in one another. No name that a compiler makes comes near.</summary>
    private const int MostDepth = 256;

    private readonly StringBuilder _text = new();
    private int _depth;
    private int _steps;

    /// <summary>Whether a limit was reached: what is written is of no use.</summary>
    internal bool HasFailed { get; private set; }

    /// <summary>The element of parameter packs that is being written; -1 outside of expansions.</summary>
    internal int PackIndex { get; set; } = -1;

    /// <summary>Elements of the packs that the expansion being written has met; -1 for none.</summary>
    internal int PackCount { get; set; } = -1;

    /// <summary>Characters so far.</summary>
    internal int Length => _text.Length;

    /// <summary>The last character; NUL at the start.</summary>
    internal char Last => _text.Length is 0 ? '\0' : _text[^1];

    /// <summary>Writes text.</summary>
    internal NameWriter Write(string text)
    {
        if (_text.Length + text.Length > limit)
        {
            HasFailed = true;
        }
        else
        {
            _ = _text.Append(text);
        }

        return this;
    }

    /// <summary>Takes back what was written after a point.</summary>
    internal void CutTo(int length) => _text.Length = length;

    /// <summary>Counts a step down into a part; false where it is one too many.</summary>
    internal bool TryEnter()
    {
        if (HasFailed || _depth >= MostDepth || ++_steps > 8 * limit)
        {
            HasFailed = true;
            return false;
        }

        _depth++;
        return true;
    }

    /// <summary>Counts the step back.</summary>
    internal void Leave() => _depth--;

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}
