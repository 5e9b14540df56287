namespace ElfLoader.Tests.EndToEnd;

/// <summary>How one column of the compiler matrix compiles.</summary>
/// <param name="Compiler">The C compiler's name; its C++ compiler follows from it.</param>
/// <param name="Optimisation"><c>-O0</c> or <c>-O2</c>.</param>
/// <param name="Model">Code model or position independence; empty for the compiler's default.</param>
/// <param name="Sections"><c>-ffunction-sections</c>, or empty.</param>
public sealed record CompilerFlags(string Compiler, string Optimisation, string Model, string Sections)
{
    /// <summary>Every combination that is promised to work.</summary>
    public static IEnumerable<CompilerFlags> All { get; } =
        from compiler in (string[])["clang-14", "clang-19", "gcc-12"]
        from optimisation in (string[])["-O0", "-O2"]
        from model in (string[])["-fPIC", "", "-fno-pic", "-mcmodel=large"]
        from sections in (string[])["", "-ffunction-sections"]
        select new CompilerFlags(compiler, optimisation, model, sections);

    /// <summary>The compiler of C++ that belongs to the C compiler.</summary>
    public string CxxCompiler => Compiler.Replace("clang", "clang++", StringComparison.Ordinal)
        .Replace("gcc", "g++", StringComparison.Ordinal);

    /// <summary>Whether data is addressed with 32 bits, which can't reach what a host library owns.</summary>
    public bool IsPositionDependent => Model is "-fno-pic";

    /// <summary>The flags to compile with.</summary>
    public IEnumerable<string> ForCompiling =>
        ((string[])[Optimisation, Model, Sections]).Where(flag => flag.Length > 0);

    /// <summary>The flags to link natively with.</summary>
    public IEnumerable<string> ForLinking => IsPositionDependent ? ["-no-pie"] : [];

    public override string ToString() => string.Join(' ', [Compiler, .. ForCompiling]);
}
