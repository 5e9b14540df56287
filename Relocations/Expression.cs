using System.Text;

namespace ElfLoader.Relocations;

/// <summary>
/// What a relocation computes, written in a table row as the psABI writes it: <c>S + A - P</c>,
/// <c>((S + A) | T) - P</c>.
/// </summary>
/// <remarks>
/// A sum in which each letter stands at most once with each sign, which every static relocation of the supported
/// machines is. Values wrap at 64 bits; a 32-bit target narrows the result itself.
/// </remarks>
public readonly record struct Expression
{
    private readonly Letters _plus;
    private readonly Letters _minus;

    private Expression(Letters plus, Letters minus) => (_plus, _minus) = (plus, minus);

    [Flags]
    private enum Letters : ushort
    {
        S = 1, A = 2, T = 4, G = 8, Got = 16, L = 32, Z = 64, B = 128, P = 256, Pa = 512, Tp = 1024, TlsBlock = 2048,
    }

    /// <summary>No value: the relocation is a marker.</summary>
    public static Expression None => default;

    /// <summary>Address of the symbol.</summary>
    public static Expression S => new(Letters.S, 0);

    /// <summary>Addend.</summary>
    public static Expression A => new(Letters.A, 0);

    /// <summary>Thumb bit; only meaningful as the right side of <c>|</c>.</summary>
    public static Expression T => new(Letters.T, 0);

    /// <summary>Offset of the symbol's GOT slot.</summary>
    public static Expression G => new(Letters.G, 0);

    /// <summary>Address of the GOT.</summary>
    public static Expression GOT => new(Letters.Got, 0);

    /// <summary>Address that a call of the symbol jumps to.</summary>
    public static Expression L => new(Letters.L, 0);

    /// <summary>Size of the symbol.</summary>
    public static Expression Z => new(Letters.Z, 0);

    /// <summary>Static base of the symbol's segment.</summary>
    public static Expression B => new(Letters.B, 0);

    /// <summary>Address of the place.</summary>
    public static Expression P => new(Letters.P, 0);

    /// <summary>Address of the place, rounded down to a multiple of four (AAELF32).</summary>
    public static Expression Pa => new(Letters.Pa, 0);

    /// <summary>The thread pointer, in terms of the TLS template.</summary>
    public static Expression TP => new(Letters.Tp, 0);

    /// <summary>Start of the TLS template.</summary>
    public static Expression TLSBLOCK => new(Letters.TlsBlock, 0);

    /// <summary>Whether the value depends on where the place is.</summary>
    public bool IsPcRelative => (_minus & (Letters.P | Letters.Pa)) != 0;

    /// <summary>Whether the GOT's address or a slot in it is part of the value.</summary>
    public bool UsesGot => ((_plus | _minus) & (Letters.G | Letters.Got)) != 0;

    /// <summary>Whether the value is a distance from the thread pointer.</summary>
    public bool UsesThreadPointer => (_minus & Letters.Tp) != 0;

    /// <summary>Whether the value is a distance within thread-local storage.</summary>
    public bool IsThreadLocal => (_minus & (Letters.Tp | Letters.TlsBlock)) != 0;

    /// <summary>Whether the address of the symbol, or of its stub, is part of the value.</summary>
    public bool UsesSymbol => (_plus & (Letters.S | Letters.L)) != 0;

    /// <summary>Whether the size of the symbol is part of the value.</summary>
    public bool UsesSize => (_plus & Letters.Z) != 0;

    /// <summary>Whether the static base of the symbol's segment is part of the value.</summary>
    public bool UsesStaticBase => ((_plus | _minus) & Letters.B) != 0;

    /// <summary>Whether a stub may stand for the symbol (L).</summary>
    public bool AllowsStub => (_plus & Letters.L) != 0;

    /// <summary>Adds the letters of both sides.</summary>
    public static Expression operator +(Expression left, Expression right) =>
        new(left._plus | right._plus, left._minus | right._minus);

    /// <summary>Subtracts the letters of the right side.</summary>
    public static Expression operator -(Expression left, Expression right) =>
        new(left._plus | right._minus, left._minus | right._plus);

    /// <summary>Marks <c>S + A</c> with the Thumb bit.</summary>
    public static Expression operator |(Expression left, Expression right) => left + right;

    /// <summary>Computes the value, wrapping at 64 bits.</summary>
    public long Evaluate(in Operands o)
    {
        // Nearly all relocations of real objects are one of these four.
        switch (_plus, _minus)
        {
            case (Letters.S | Letters.A, 0): return (long)o.S + o.A;
            case (Letters.S | Letters.A, Letters.P): return (long)(o.S - o.P) + o.A;
            case (Letters.L | Letters.A, Letters.P): return (long)(o.L - o.P) + o.A;
            case (Letters.G | Letters.Got | Letters.A, Letters.P): return (long)(o.G + o.Got - o.P) + o.A;
            default: return EvaluateAny(o);
        }
    }

    private long EvaluateAny(in Operands o)
    {
        ulong marked = (Pick(_plus, Letters.S, o.S) + Pick(_plus, Letters.L, o.L) + Pick(_plus, Letters.Z, o.Z)
            + Pick(_plus, Letters.A, (ulong)o.A)) | Pick(_plus, Letters.T, o.T);
        ulong plus = Pick(_plus, Letters.G, o.G) + Pick(_plus, Letters.Got, o.Got) + Pick(_plus, Letters.B, o.B)
            + Pick(_plus, Letters.P, o.P);
        ulong minus = Pick(_minus, Letters.P, o.P) + Pick(_minus, Letters.Pa, o.P & ~3UL)
            + Pick(_minus, Letters.Got, o.Got) + Pick(_minus, Letters.B, o.B) + Pick(_minus, Letters.Tp, o.Tp)
            + Pick(_minus, Letters.TlsBlock, o.TlsBlock);
        return (long)(marked + plus - minus);
    }

    /// <summary>The formula as the psABI prints it, such as <c>G + GOT + A - P</c>.</summary>
    public override string ToString() => Print(letter => letter);

    /// <summary>The formula with each letter replaced by what <paramref name="value"/> gives for its name.</summary>
    public string Print(Func<string, string> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var text = new StringBuilder();
        foreach (Letters letter in (ReadOnlySpan<Letters>)[
            Letters.S, Letters.L, Letters.Z, Letters.G, Letters.Got, Letters.B, Letters.P, Letters.A])
        {
            if ((_plus & letter) != 0)
            {
                text.Append(text.Length > 0 ? " + " : "").Append(value(NameOf(letter)));
            }
        }

        if ((_plus & Letters.T) != 0)
        {
            text.Insert(0, '(').Append(") | ").Append(value(NameOf(Letters.T)));
            if (_minus != 0)
            {
                text.Insert(0, '(').Append(')');
            }
        }

        for (var letter = Letters.S; letter <= Letters.TlsBlock; letter = (Letters)((int)letter << 1))
        {
            if ((_minus & letter) != 0)
            {
                text.Append(" - ").Append(value(NameOf(letter)));
            }
        }

        return text.ToString();
    }

    /// <summary>The formula with each letter replaced by its number.</summary>
    public string Print(Operands operands) => Print(letter => Number(ValueOf(letter, operands)));

    /// <summary>The letters of the formula, in the order in which it prints them, with their numbers.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> Terms(Operands operands)
    {
        List<KeyValuePair<string, long>> terms = [];
        _ = Print(letter =>
        {
            terms.Add(new KeyValuePair<string, long>(letter, ValueOf(letter, operands)));
            return letter;
        });
        return terms;
    }

    /// <summary>A number as formulas are printed with: hexadecimal, with a sign if it is negative.</summary>
    public static string Number(long value) => value < 0 ? $"-0x{unchecked((ulong)-value):x}" : $"0x{value:x}";

    private static long ValueOf(string letter, in Operands operands) => letter switch
    {
        nameof(S) => (long)operands.S,
        nameof(L) => (long)operands.L,
        nameof(Z) => (long)operands.Z,
        nameof(G) => (long)operands.G,
        nameof(GOT) => (long)operands.Got,
        nameof(B) => (long)operands.B,
        nameof(P) => (long)operands.P,
        nameof(Pa) => (long)(operands.P & ~3UL),
        nameof(T) => (long)operands.T,
        nameof(TP) => (long)operands.Tp,
        nameof(TLSBLOCK) => (long)operands.TlsBlock,
        _ => operands.A,
    };

    private static string NameOf(Letters letter) => letter switch
    {
        Letters.Got => nameof(GOT),
        Letters.Tp => nameof(TP),
        Letters.TlsBlock => nameof(TLSBLOCK),
        _ => letter.ToString(),
    };

    private static ulong Pick(Letters set, Letters letter, ulong value) => (set & letter) != 0 ? value : 0;
}
