using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader.Tools.Running;

/// <summary>Names that the libraries of this process import.</summary>
internal static class HostImports
{
    private static readonly MadeOnce<IReadOnlySet<string>> Names = new(Find);

    /// <summary>What a compiler's driver links to without being asked, for C++ too.</summary>
    internal static IReadOnlyList<string> DefaultLibraries { get; } =
        ["libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6"];

    /// <summary>Those that an object defines for others, in order.</summary>
    internal static IReadOnlyList<string> Of(ElfObject elf)
    {
        if (elf.Machine is not ElfConstants.EM_X86_64 || !elf.Is64Bit || !OperatingSystem.IsLinux())
        {
            return []; // it is for another process
        }

        SortedSet<string> found = new(StringComparer.Ordinal);
        for (int i = Math.Max(elf.FirstGlobalSymbol, 1); i < elf.SymbolCount; i++)
        {
            if (elf.Symbol(i) is { IsDefined: true, Visibility: SymbolVisibility.Default } && Names.Value.Contains(elf.SymbolNameText(i)))
            {
                _ = found.Add(elf.SymbolNameText(i));
            }
        }

        return [.. found];
    }

    private static IReadOnlySet<string> Find()
    {
        foreach (string name in DefaultLibraries)
        {
            _ = DynamicLinker.Open(name, out _);
        }

        return ModuleSymbols.ImportedNames();
    }
}
