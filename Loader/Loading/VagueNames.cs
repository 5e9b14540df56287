namespace ElfLoader.Loading;

/// <summary>What the names of variables say by the Itanium C++ ABI ("Mangling", "Special Names").</summary>
internal static class VagueNames
{
    private static ReadOnlySpan<byte> GuardPrefix => "_ZGV"u8;

    /// <summary>
    /// Whether it is what the compiler makes for a class: a table of virtual functions (TV), of such tables (TT), one for
    /// construction (TC), type information (TI) or its name (TS).
    /// </summary>
    internal static bool IsClassTable(ReadOnlySpan<byte> name) =>
        name.Length > 4 && name.StartsWith("_ZT"u8) && name[3] is (byte)'V' or (byte)'T' or (byte)'C' or (byte)'I' or (byte)'S';

    /// <summary>Whether it is the guard of a variable.</summary>
    internal static bool IsGuard(ReadOnlySpan<byte> name) => name.StartsWith(GuardPrefix);

    /// <summary>Whether it is the name of a variable of a function (Itanium C++ ABI, "Scope Encoding").</summary>
    internal static bool IsLocal(ReadOnlySpan<byte> name) => name.StartsWith("_ZZ"u8);

    /// <summary>
    /// Whether it is the name of an object that a reference keeps alive (Itanium C++ ABI, "Special Names": lifetime-extended
    /// temporaries). The guard is the reference's.
    /// </summary>
    internal static bool IsTemporary(ReadOnlySpan<byte> name) => name.StartsWith("_ZGR"u8);

    /// <summary>The name of the guard that a variable has if it is initialized when the program runs.</summary>
    /// <param name="name">The variable's; one of C++'s global namespace is not mangled.</param>
    internal static byte[] GuardOf(ReadOnlySpan<byte> name) => name.StartsWith("_Z"u8)
        ? [.. GuardPrefix, .. name[2..]]
        : [.. GuardPrefix, .. System.Text.Encoding.ASCII.GetBytes($"{name.Length}"), .. name];
}
