using System.Globalization;

namespace ElfLoader.Inspection.Checks;

/// <summary>Cuts an expression into words, which differ with what may stand there: file names are not symbols.</summary>
internal sealed class CheckScanner(string text)
{
    private const int LongestQuote = 24;

    /// <summary>Characters done so far.</summary>
    internal int Position { get; private set; }

    /// <summary>The next character after white space; zero at the end.</summary>
    internal char Next
    {
        get
        {
            while (Position < text.Length && char.IsWhiteSpace(text[Position]))
            {
                Position++;
            }

            return Position < text.Length ? text[Position] : '\0';
        }
    }

    /// <summary>Whether a symbol starts here.</summary>
    internal bool IsAtSymbol => Next is '_' or '.' or '$' || char.IsAsciiLetter(Next);

    /// <summary>Goes past a mark if it is there.</summary>
    internal bool TryTake(string mark)
    {
        _ = Next;
        if (!text.AsSpan(Position).StartsWith(mark))
        {
            return false;
        }

        Position += mark.Length;
        return true;
    }

    /// <summary>Goes past a character, which must be there.</summary>
    /// <exception cref="CheckException">It is not.</exception>
    internal void Take(char mark, string expected)
    {
        if (Next != mark)
        {
            throw Unexpected(expected);
        }

        Position++;
    }

    /// <summary>Takes a symbol or a function's name.</summary>
    /// <exception cref="CheckException">There is none.</exception>
    internal string TakeSymbol()
    {
        if (!IsAtSymbol)
        {
            throw Unexpected("a symbol");
        }

        int start = Position;
        while (Position < text.Length && (char.IsAsciiLetterOrDigit(text[Position]) || text[Position] is ':' or '_' or '.' or '$'))
        {
            Position++;
        }

        return text[start..Position];
    }

    /// <summary>Takes a number: hexadecimal after 0x, octal after 0, else decimal.</summary>
    /// <exception cref="CheckException">There is none, or it has more than 64 bits.</exception>
    internal ulong TakeNumber()
    {
        if (!char.IsAsciiDigit(Next))
        {
            throw Unexpected("a number");
        }

        int start = Position;
        while (Position < text.Length && (char.IsAsciiLetterOrDigit(text[Position]) || text[Position] is '_'))
        {
            Position++;
        }

        ReadOnlySpan<char> word = text.AsSpan(start, Position - start);
        (uint radix, int skipped) = word switch
        {
            ['0', 'x' or 'X', ..] => (16u, 2),
            ['0', _, ..] => (8u, 1),
            _ => (10u, 0),
        };
        ReadOnlySpan<char> digits = word[skipped..];
        UInt128 value = 0;
        foreach (char digit in digits)
        {
            uint number = char.IsAsciiHexDigit(digit) ? Convert.ToUInt32(digit.ToString(), 16) : uint.MaxValue;
            if (number >= radix)
            {
                throw new CheckException(
                    start, $"expected a number, found '{Quote(start)}': '{digit}' is no digit to base {radix}");
            }

            value = (value * radix) + number;
            if (value > ulong.MaxValue)
            {
                throw new CheckException(start, $"expected a number of at most 64 bits, found '{Quote(start)}'");
            }
        }

        return digits.IsEmpty
            ? throw new CheckException(start, $"expected digits after '{word}'")
            : (ulong)value;
    }

    /// <summary>Takes a number within bounds.</summary>
    /// <exception cref="CheckException">There is none.</exception>
    internal int TakeNumber(int minimum, int maximum, string what)
    {
        _ = Next;
        int start = Position;
        ulong value = TakeNumber();
        return value >= (ulong)minimum && value <= (ulong)maximum
            ? (int)value
            : throw new CheckException(
                start, string.Create(CultureInfo.InvariantCulture, $"expected {what} from {minimum} to {maximum}, found {value}"));
    }

    /// <summary>Takes all up to a character, without the white space around it: a file, a section, a regular expression.</summary>
    /// <exception cref="CheckException">There is nothing, or the character does not come.</exception>
    internal string TakeUntil(char end, string what)
    {
        _ = Next;
        int start = Position;
        int length = text.AsSpan(start).IndexOf(end);
        if (length < 0)
        {
            Position = text.Length;
            throw Unexpected($"'{end}' after {what}");
        }

        Position = start + length;
        string taken = text.AsSpan(start, length).TrimEnd().ToString();
        return taken.Length > 0 ? taken : throw Unexpected(what);
    }

    /// <summary>What to throw where something else was expected here.</summary>
    internal CheckException Unexpected(string expected)
    {
        _ = Next;
        return new CheckException(
            Position,
            $"expected {expected}, found {(Position < text.Length ? $"'{Quote(Position)}'" : "the end of the expression")}");
    }

    /// <summary>The word at a place, for messages.</summary>
    private string Quote(int start)
    {
        int end = start;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is ':' or '_' or '.' or '$'))
        {
            end++;
        }

        ReadOnlySpan<char> rest = text.AsSpan(start);
        int length = end > start ? end - start : rest is ['<', '<', ..] or ['>', '>', ..] ? 2 : 1;
        return length <= LongestQuote ? rest[..length].ToString() : $"{rest[..LongestQuote]}…";
    }
}
