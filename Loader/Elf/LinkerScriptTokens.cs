using System.Buffers;

namespace ElfLoader.Elf;

/// <summary>Splits a linker script into words, quoted words and punctuation, without its comments.</summary>
internal ref struct LinkerScriptTokens(ReadOnlySpan<byte> script, string name)
{
    private static readonly SearchValues<byte> Ends = SearchValues.Create(" \t\r\n(),;\""u8);

    private readonly ReadOnlySpan<byte> _script = script;
    private int _position;

    /// <summary>What has not been split yet.</summary>
    public readonly ReadOnlySpan<byte> Rest => _script[_position..];

    /// <summary>The next token; false at the end.</summary>
    /// <exception cref="LinkException">A comment or a quoted word does not end.</exception>
    public bool TryNext(out ReadOnlySpan<byte> token)
    {
        token = default;
        if (!TrySkipSpace())
        {
            throw Fault(LinkErrorCode.Malformed, "comment does not end");
        }

        ReadOnlySpan<byte> rest = Rest;
        if (rest.IsEmpty)
        {
            return false;
        }

        if (rest[0] == '"')
        {
            int end = rest[1..].IndexOf((byte)'"');
            if (end < 0)
            {
                throw Fault(LinkErrorCode.Malformed, "quoted name does not end");
            }

            token = rest.Slice(1, end);
            _position += end + 2;
            return true;
        }

        int length = rest.IndexOfAny(Ends);
        token = length switch
        {
            < 0 => rest,
            0 => rest[..1],
            _ => rest[..length],
        };
        _position += token.Length;
        return true;
    }

    /// <summary>Skips white space and comments; false where a comment does not end.</summary>
    public bool TrySkipSpace()
    {
        while (_position < _script.Length)
        {
            ReadOnlySpan<byte> rest = Rest;
            if (rest[0] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            {
                _position++;
            }
            else if (rest.StartsWith("/*"u8))
            {
                int end = rest[2..].IndexOf("*/"u8);
                if (end < 0)
                {
                    return false;
                }

                _position += end + 4;
            }
            else
            {
                return true;
            }
        }

        return true;
    }

    /// <summary>The error for something wrong where the tokens are.</summary>
    public readonly LinkException Fault(LinkErrorCode code, string message) =>
        new(code, new LinkLocation(name, Offset: (ulong)_position), message);
}
