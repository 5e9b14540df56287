using ElfLoader.Elf;

namespace ElfLoader.Tools.Running;

/// <summary>Adds to the words with which the system's loader refuses a library what the user can do.</summary>
internal static class SharedLibraryAdvice
{
    // As glibc says it (elf/dl-load.c, elf/dl-lookup.c).
    private const string IsProgram = "position-independent executable";
    private const string Lacks = "undefined symbol: ";

    /// <summary>The failure of an input, with advice; null if there is none.</summary>
    internal static LinkException? ForInput(LinkException exception, IReadOnlyList<ElfObject> objects) => Extend(exception, error =>
        error.Message.Contains(IsProgram, StringComparison.Ordinal)
            ? "a program is run by itself: inputs are objects, archives, shared libraries"
            : DefinedByObject(error, objects));

    /// <summary>The failure of a value of <c>--library</c>, with advice; null if there is none.</summary>
    internal static LinkException? ForOption(LinkException exception, string file, IReadOnlyList<ElfObject> objects) => Extend(exception, error =>
        !file.Contains('/', StringComparison.Ordinal) && !file.Contains(".so", StringComparison.Ordinal) // as compilers take it: -lm
            ? $"--library takes a file or a full name: lib{file}.so (lib{file}.so.6), or give lib{file}.a as an input"
            : DefinedByObject(error, objects));

    private static LinkException? Extend(LinkException exception, Func<LinkError, string?> advice) =>
        exception.Errors is [{ Code: LinkErrorCode.File } error] && advice(error) is { } text
            ? new LinkException(exception, [error with { Message = $"{error.Message}; {text}" }])
            : null;

    private static string? DefinedByObject(LinkError error, IReadOnlyList<ElfObject> objects)
    {
        int start = error.Message.IndexOf(Lacks, StringComparison.Ordinal);
        if (start < 0)
        {
            return null;
        }

        string rest = error.Message[(start + Lacks.Length)..];
        int end = rest.AsSpan().IndexOfAny(", (");
        string name = end < 0 ? rest : rest[..end];
        return objects.FirstOrDefault(elf => Defines(elf, name)) is { } definer
            ? $"{definer.Name} defines it, but libraries do not see what loaded objects define: give the library as an object or an archive"
            : null;
    }

    private static bool Defines(ElfObject elf, string name)
    {
        for (int i = Math.Max(elf.FirstGlobalSymbol, 1); i < elf.SymbolCount; i++)
        {
            if (elf.Symbol(i).IsDefined && elf.SymbolNameText(i) == name)
            {
                return true;
            }
        }

        return false;
    }
}
