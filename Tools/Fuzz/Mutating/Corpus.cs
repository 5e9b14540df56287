namespace ElfLoader.Fuzz.Mutating;

/// <summary>The files that mutants are made of: committed objects, and what compilers make of the small sources in <c>seeds</c>.</summary>
internal static class Corpus
{
    private const int LargestSeed = 16 << 10;

    /// <summary>Compiler and flags for each source that is not assembly; the object's name has the first word.</summary>
    private static readonly (string Name, string Compiler, string Flags)[] X64 =
    [
        ("pie", "clang-19", "-O2"),
        ("pic", "clang-14", "-O2 -fPIC"),
        ("nopic", "clang-14", "-O1 -fno-pic"),
        ("parts", "clang-19", "-O2 -fPIC -ffunction-sections -fdata-sections"),
        ("debug", "clang-14", "-O0 -g -fdebug-compilation-dir=."),
        ("zlib", "clang-14", "-O0 -g -gz=zlib -fdebug-compilation-dir=."),
        ("crel", "clang-19", "-O2 -Wa,--allow-experimental-crel,--crel"),
        ("large", "clang-14", "-O2 -fPIC -mcmodel=large"),
        ("medium", "clang-14", "-O2 -fPIC -mcmodel=medium"),
        ("noplt", "clang-14", "-O2 -fPIC -fno-plt"),
        ("gnu2", "clang-19", "-O2 -fPIC -mtls-dialect=gnu2"),
    ];

    private static readonly (string Name, string Compiler, string Flags)[] Arm =
    [
        ("a32", "clang-19", "-march=armv7-a -O2"),
        ("t32", "clang-14", "-march=armv7-a -mthumb -O2"),
        ("a32-nopic", "clang-14", "-march=armv7-a -O1 -fno-pic"),
        ("t32-nopic", "clang-19", "-march=armv7-a -mthumb -O2 -fno-pic"),
        ("parts", "clang-19", "-march=armv7-a -mthumb -Os -ffunction-sections -fdata-sections"),
        ("debug", "clang-14", "-march=armv7-a -O0 -g -fdebug-compilation-dir=."),
        ("zlib", "clang-14", "-march=armv7-a -mthumb -O0 -g -gz=zlib -fdebug-compilation-dir=."),
        ("crel", "clang-19", "-march=armv7-a -O2 -Wa,--allow-experimental-crel,--crel"),
        ("v6m", "clang-14", "-march=armv6-m -mthumb -O1 -mfloat-abi=soft"),
        ("v5", "clang-14", "-march=armv5te -O1 -mfloat-abi=soft"),
        ("rwpi", "clang-14", "-march=armv7-a -O1 -fno-pic -frwpi"),
    ];

    /// <summary>Makes the files that are not there yet, and reads all.</summary>
    /// <param name="repository">The repository's folder.</param>
    /// <param name="folder">Where what is made is kept.</param>
    internal static IReadOnlyList<Seed> Make(string repository, string folder)
    {
        string sources = Path.Combine(repository, "Tools", "Fuzz", "seeds");
        _ = Directory.CreateDirectory(folder);
        string done = Path.Combine(folder, "complete-with-thin-archives");
        if (!File.Exists(done))
        {
            Compile(sources, folder);
            File.WriteAllText(done, "");
        }

        IEnumerable<string> files = Directory.EnumerateFiles(Path.Combine(repository, "fixtures", "x64"), "*.o")
            .Concat(Directory.EnumerateFiles(folder, "*.o"))
            .Concat(Directory.EnumerateFiles(folder, "*.a"))
            .Where(file => new FileInfo(file).Length <= LargestSeed)
            .Order(StringComparer.Ordinal);
        return [.. files.Select(file => new Seed(Path.GetFileName(file), File.ReadAllBytes(file), Path.GetDirectoryName(file)!))];
    }

    private static void Compile(string sources, string folder)
    {
        foreach (string source in Directory.EnumerateFiles(sources).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileNameWithoutExtension(source);
            if (source.EndsWith(".s", StringComparison.Ordinal))
            {
                string triple = name.StartsWith("x64", StringComparison.Ordinal) ? "x86_64-linux-gnu" : "armv7a-linux-gnueabihf";
                string attributes = triple[0] is 'a' ? "-arm-add-build-attributes" : "-mcpu=x86-64";
                foreach (string crel in (string[])["", "-crel"])
                {
                    string output = Path.Combine(folder, $"{name}{crel}.o");
                    Programs.Check("llvm-mc-19", [.. Words($"-filetype=obj -triple={triple} {attributes} {crel}"), source, "-o", output]);
                }

                continue;
            }

            CompileWith(source, $"{folder}/x64-{name}", "x86_64-linux-gnu", X64);
            CompileWith(source, $"{folder}/arm-{name}", "arm-linux-gnueabihf", Arm);
        }

        foreach (string machine in (string[])["x64-", "arm-"])
        {
            foreach ((string set, string format) in ((string, string)[])
                [("pic", "gnu"), ("parts", "bsd"), ("a32", "gnu"), ("parts", "gnu"), ("pic", "thin"), ("a32", "thin"), ("crel", "thin")])
            {
                string[] members = [.. Directory.EnumerateFiles(folder, $"{machine}*-{set}.o").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal).Take(5)];
                if (members.Length > 0)
                {
                    string[] how = format is "thin" ? ["--format=gnu", "--thin"] : [$"--format={format}"];
                    _ = Programs.Check("llvm-ar-19", [.. how, "rcsD", $"{machine}{set}-{format}.a", .. members], folder);
                }
            }
        }
    }

    private static void CompileWith(string source, string output, string triple, (string Name, string Compiler, string Flags)[] ways)
    {
        _ = Parallel.ForEach(ways, way =>
        {
            (string name, string compiler, string flags) = way;
            string program = source.EndsWith(".cpp", StringComparison.Ordinal) ? compiler.Replace("clang", "clang++", StringComparison.Ordinal) : compiler;
            string folder = Path.GetDirectoryName(source)!;
            Programs.Check(
                program,
                [$"--target={triple}", "-ffreestanding", "-w", .. Words(flags), "-c", Path.GetFileName(source), "-o", $"{output}-{name}.o"],
                folder);
        });
    }

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
