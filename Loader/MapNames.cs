using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader;

/// <summary>Names of bindings, types and slots, as maps and patch records have them.</summary>
public static class MapNames
{
    internal static string NameOf(GotSlot kind) => kind switch
    {
        GotSlot.TpOffset => "tpoff",
        GotSlot.TlsIndex => "tlsgd",
        GotSlot.TlsModule => "tlsld",
        GotSlot.TlsDescriptor => "tlsdesc",
        _ => "address",
    };

    /// <summary>local, global, weak, unique; one that is not known counts as global.</summary>
    public static string NameOf(SymbolBinding binding) => binding switch
    {
        SymbolBinding.Local => "local",
        SymbolBinding.Weak => "weak",
        SymbolBinding.GnuUnique => "unique",
        _ => "global",
    };

    /// <summary>notype, object, func, section, file, common, tls, ifunc; one that is not known counts as notype.</summary>
    public static string NameOf(SymbolType type) => type switch
    {
        SymbolType.Object => "object",
        SymbolType.Function => "func",
        SymbolType.Section => "section",
        SymbolType.File => "file",
        SymbolType.Common => "common",
        SymbolType.Tls => "tls",
        SymbolType.GnuIfunc => "ifunc",
        _ => "notype",
    };
}
