using ElfLoader.Elf;

namespace ElfLoader.Inspection;

/// <summary>
/// Names of symbols for lists that mention them again and again: each is made once. A list that would be many times larger than
/// the object, since a few bytes of it mention a long name, has the ends of names only from there on.
/// </summary>
/// <param name="elf">The object.</param>
public sealed class SymbolMentions(ElfObject elf)
{
    private const long TimesTheFile = 8;

    private readonly string?[] _shown = new string?[elf.SymbolCount];
    private long _left = (1 << 16) + (TimesTheFile * elf.Bytes.Length);
    private bool _isBrief;

    /// <summary>The name to show for the next mention of a symbol.</summary>
    public string Next(int symbol)
    {
        ReadOnlySpan<byte> name = SymbolText.BytesOf(elf, symbol);
        _left -= name.Length;
        if (_left < 0 && !_isBrief)
        {
            _isBrief = true;
            Array.Clear(_shown);
        }

        return _shown[symbol] ??= _isBrief ? NameText.Brief(name) : NameText.Shown(name);
    }
}
