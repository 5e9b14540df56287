using ElfLoader.Elf;

namespace ElfLoader.Inspection;

/// <summary>What symbols are, in the words of the link map.</summary>
public static class SymbolText
{
    /// <summary>The name; a section symbol has that of its section.</summary>
    public static string NameOf(ElfObject elf, int index)
    {
        ArgumentNullException.ThrowIfNull(elf);
        SymbolRecord symbol = elf.Symbol(index);
        return symbol.Type is SymbolType.Section && symbol.Place is SymbolPlace.Section && elf.SymbolName(index).IsEmpty
            ? elf.SectionNameText(symbol.Section)
            : elf.SymbolNameText(index);
    }

    /// <summary>The same where it is mentioned, not listed: of a very long one the ends.</summary>
    public static string ShownNameOf(ElfObject elf, int index) => NameText.Shown(BytesOf(elf, index));

    /// <summary>The name in UTF-8.</summary>
    internal static ReadOnlySpan<byte> BytesOf(ElfObject elf, int index)
    {
        ArgumentNullException.ThrowIfNull(elf);
        SymbolRecord symbol = elf.Symbol(index);
        return symbol.Type is SymbolType.Section && symbol.Place is SymbolPlace.Section && elf.SymbolName(index).IsEmpty
            ? elf.SectionName(symbol.Section)
            : elf.SymbolName(index);
    }

    /// <summary>The binding as in maps; the number of one that is not known.</summary>
    public static string BindingOf(in SymbolRecord symbol) => Enum.IsDefined(symbol.Binding)
        ? MapNames.NameOf(symbol.Binding)
        : $"{(byte)symbol.Binding}";

    /// <summary>The type as in maps; the number of one that is not known.</summary>
    public static string TypeOf(in SymbolRecord symbol) => Enum.IsDefined(symbol.Type)
        ? MapNames.NameOf(symbol.Type)
        : $"{(byte)symbol.Type}";

    /// <summary>default, internal, hidden, protected.</summary>
    public static string VisibilityOf(in SymbolRecord symbol) => symbol.Visibility switch
    {
        SymbolVisibility.Internal => "internal",
        SymbolVisibility.Hidden => "hidden",
        SymbolVisibility.Protected => "protected",
        _ => "default",
    };

    /// <summary>The name of the section, or what stands in the place of one: UND, ABS, COM.</summary>
    public static string PlaceOf(ElfObject elf, in SymbolRecord symbol)
    {
        ArgumentNullException.ThrowIfNull(elf);
        return symbol.Place switch
        {
            SymbolPlace.Undefined => "UND",
            SymbolPlace.Absolute => "ABS",
            SymbolPlace.Common => "COM",
            SymbolPlace.LargeCommon => "LARGE_COM",
            _ => NameText.Shown(elf.SectionName(symbol.Section)),
        };
    }
}
