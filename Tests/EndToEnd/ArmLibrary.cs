namespace ElfLoader.Tests.EndToEnd;

/// <summary>A C library for ARM, as Debian's cross compilers bring it: static, with start files.</summary>
/// <param name="Triple">The name of the platform.</param>
internal sealed record ArmLibrary(string Triple)
{
    /// <summary>Arguments in floating-point registers; Armv7.</summary>
    public static ArmLibrary HardFloat { get; } = new("arm-linux-gnueabihf");

    /// <summary>No floating-point registers; Armv5TE.</summary>
    public static ArmLibrary SoftFloat { get; } = new("arm-linux-gnueabi");

    private string CompilerFolder => $"/usr/lib/gcc-cross/{Triple}/12";

    /// <summary>What a compiler's driver gives the linker for a static program of these inputs, in its order.</summary>
    public IReadOnlyList<string> Around(IEnumerable<string> inputs, bool isCxx = false) =>
    [
        Library("crt1.o"), Library("crti.o"), $"{CompilerFolder}/crtbeginT.o",
        .. inputs,
        .. isCxx ? (string[])[$"{CompilerFolder}/libstdc++.a"] : [],
        Library("libm.a"), Library("libc.a"), $"{CompilerFolder}/libgcc.a", $"{CompilerFolder}/libgcc_eh.a",
        $"{CompilerFolder}/crtend.o", Library("crtn.o"),
    ];

    private string Library(string file) => $"/usr/{Triple}/lib/{file}";
}
