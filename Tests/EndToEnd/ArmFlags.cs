namespace ElfLoader.Tests.EndToEnd;

/// <summary>How a program is compiled for ARM.</summary>
/// <param name="Compiler">clang's name, or <c>gcc</c> for Debian's cross compiler.</param>
/// <param name="Target">The target as clang has it; its words are flags of their own.</param>
/// <param name="Flags">Optimisation and model.</param>
public sealed record ArmFlags(string Compiler, string Target, string Flags)
{
    private static readonly string[] Levels = ["-O0", "-O2"];
    private static readonly string[] Models = ["-fPIC", "-fno-pic"];

    /// <summary>Processors and instruction sets of programs with a C library.</summary>
    private static readonly string[] LinuxTargets =
    [
        "armv7-linux-gnueabihf -marm", "armv7-linux-gnueabihf -mthumb", "armv6-linux-gnueabi", "armv5te-linux-gnueabi -marm",
        "armv5te-linux-gnueabi -mthumb",
    ];

    /// <summary>Processors of programs without one: those of the M profile, and the oldest and newest of the others.</summary>
    private static readonly string[] BareTargets =
    [
        "armv4t-none-linux-gnueabi -marm", "armv4t-none-linux-gnueabi -mthumb", "armv5te-none-linux-gnueabi -marm",
        "armv5te-none-linux-gnueabi -mthumb", "armv6-none-linux-gnueabi -marm", "armv6-none-linux-gnueabi -mthumb",
        "armv7-none-linux-gnueabi -marm", "armv7-none-linux-gnueabi -mthumb", "armv8-none-linux-gnueabihf -marm",
        "armv8-none-linux-gnueabihf -mthumb", "thumbv6m-none-eabi", "thumbv7m-none-eabi", "thumbv7em-none-eabihf",
        "thumbv8m.base-none-eabi", "thumbv8m.main-none-eabi",
    ];

    /// <summary>For programs with a C library.</summary>
    public static IEnumerable<ArmFlags> Linux { get; } =
    [
        .. from target in LinuxTargets
           from level in Levels
           from model in Models
           select new ArmFlags("clang-19", target, $"{level} {model}"),
        .. from target in LinuxTargets[..2]
           from flags in (string[])["-O0 -fno-pic", "-O2 -fPIC"]
           select new ArmFlags("clang-14", target, flags),
        new("gcc", "armv7-linux-gnueabihf -marm", "-O2 -fno-pic"),
        new("gcc", "armv7-linux-gnueabihf -mthumb", "-O2 -fPIC"),
        new("gcc", "armv7-linux-gnueabihf -mthumb", "-O2 -fPIC -mtls-dialect=gnu2"),
    ];

    /// <summary>For programs without one.</summary>
    public static IEnumerable<ArmFlags> Bare { get; } =
        from target in BareTargets
        from row in (string[])["clang-14 -O0 -fno-pic", "clang-19 -O2 -fPIC", "clang-19 -O2 -fno-pic -ffunction-sections"]
        let space = row.IndexOf(' ')
        select new ArmFlags(row[..space], target, row[(space + 1)..]);

    /// <summary>The C library to link with.</summary>
    internal ArmLibrary Library => Target.Contains("gnueabihf", StringComparison.Ordinal) ? ArmLibrary.HardFloat : ArmLibrary.SoftFloat;

    private bool IsGcc => Compiler is "gcc";

    /// <summary>The compiler of C, or of C++.</summary>
    public string Program(bool isCxx) => (IsGcc, isCxx) switch
    {
        (true, _) => $"{Library.Triple}-{(isCxx ? "g++" : "gcc")}",
        (_, true) => Compiler.Replace("clang", "clang++", StringComparison.Ordinal),
        _ => Compiler,
    };

    /// <summary>All the flags.</summary>
    public IEnumerable<string> All
    {
        get
        {
            string[] target = Target.Split(' ');
            return [.. IsGcc ? target[1..] : [$"--target={target[0]}", .. target[1..]], .. Flags.Split(' ')];
        }
    }

    /// <summary>Compiles sources into a folder and gives the objects' paths.</summary>
    public IReadOnlyList<string> Compile(string folder, IEnumerable<string> sources, params IEnumerable<string> more)
    {
        Command.Check(Program(isCxx: false), [.. All, .. more, "-w", "-c", .. sources], folder);
        return [.. sources.Select(source => Path.Combine(folder, Path.GetFileNameWithoutExtension(source) + ".o"))];
    }

    public override string ToString() => $"{Compiler} {Target} {Flags}";
}
