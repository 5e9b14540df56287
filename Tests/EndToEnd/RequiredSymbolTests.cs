namespace ElfLoader.Tests.EndToEnd;

/// <summary>Names that count as undefined from the start (<c>-u</c>), and what compilers' profiles need them for.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class RequiredSymbolTests
{
    private const string Program = """
        #include <cstdio>
        struct Base { virtual int f(int x) { return x; } virtual ~Base() {} };
        struct Derived : Base { int f(int x) override { return x > 2 ? x * 2 : -x; } };
        template <class T> T twice(T x) { return x + x; }
        int main() { Derived d; Base *b = &d; int sum = 0; for (int i = 0; i < 5; i++) sum += b->f(i) + twice(i); std::printf("%d\n", sum); }
        """;

    /// <summary>The member that nothing refers to has a constructor: what becomes of it shows in the output.</summary>
    private const string Member = """
        extern int puts(const char *);
        int marker; int other_marker;
        __attribute__((constructor)) static void start(void) { puts("member"); }
        """;

    [TestCase("-fprofile-instr-generate -fcoverage-mapping", "-u", "__llvm_profile_runtime")]
    [TestCase("-fprofile-generate", "-u", "__llvm_profile_runtime")]
    [TestCase("-fprofile-instr-generate -fPIC -O2", "--undefined", "__llvm_profile_runtime")]
    public void ProfilesAreThoseOfTheNativeProgram(string flags, string option, string name)
    {
        string runtime = Command.Check("clang-19", ["--print-file-name=libclang_rt.profile-x86_64.a"]).Trim();
        if (!File.Exists(runtime))
        {
            runtime = Path.Combine(
                Command.Check("clang-19", ["-print-resource-dir"]).Trim(), "lib/linux/libclang_rt.profile-x86_64.a");
        }

        using var folder = new TemporaryFolder();
        string source = folder.File("profiled.cpp");
        string compiled = folder.File("profiled.o");
        string program = folder.File("profiled");
        File.WriteAllText(source, Program);
        string[] words = flags.Split(' ');
        Command.Check("clang++-19", ["-O1", .. words, "-c", source, "-o", compiled]);
        Command.Check("clang++-19", [.. words, compiled, "-o", program]);

        CommandResult native = Run(folder.File("native.profraw"), program);
        CommandResult loaded = Run(
            folder.File("loaded.profraw"), "dotnet", ElfloadCommand.Tool, "run", compiled, runtime, option, name);

        Assert.That(loaded, Is.EqualTo(native));
        Assert.That(Show(folder.File("loaded.profraw")), Is.EqualTo(Show(folder.File("native.profraw"))));

        static CommandResult Run(string profile, params string[] words) =>
            Command.Run("env", [$"LLVM_PROFILE_FILE={profile}", .. words]);

        static string Show(string profile)
        {
            Command.Check("llvm-profdata-19", ["merge", profile, "-o", profile + ".data"]);
            string shown = Command.Check("llvm-profdata-19", ["show", "--all-functions", "--counts", profile + ".data"]);
            Assert.That(shown, Does.Contain("Derived"));
            return shown;
        }
    }

    [TestCase(new string[0], "")]
    [TestCase(new[] { "-u", "marker" }, "member\n")]
    [TestCase(new[] { "--undefined", "marker", "-u", "other_marker" }, "member\n")]
    [TestCase(new[] { "-u", "nobody_defines_this" }, "")]
    public void MembersArePulled(string[] options, string output)
    {
        using var folder = new TemporaryFolder();
        (string main, string archive) = Prepare(folder);
        string program = folder.File("program");
        Command.Check("gcc-12", [.. options.Where(word => word is not "--undefined" and not "-u")
            .Select(name => $"-Wl,-u,{name}"), main, archive, "-o", program]);

        CommandResult native = Command.Run(program, []);
        CommandResult loaded = ElfloadCommand.Invoke(["run", main, archive, .. options]);

        Assert.That(native.Output, Is.EqualTo(output));
        Assert.That(loaded, Is.EqualTo(native));
    }

    [TestCase("marker", true)]
    [TestCase("nobody_defines_this", false)]
    public void ImagesHaveThem(string name, bool isPulled)
    {
        using var folder = new TemporaryFolder();
        string source = folder.File("start.c");
        File.WriteAllText(source, "void _start(void) {}");
        Command.Check("gcc-12", ["-c", source, "-o", folder.File("start.o")]);
        File.WriteAllText(folder.File("member.c"), "int marker = 1;");
        Command.Check("gcc-12", ["-c", folder.File("member.c"), "-o", folder.File("member.o")]);
        Command.Check("ar", ["rcs", folder.File("members.a"), folder.File("member.o")]);

        CommandResult result = ElfloadCommand.Invoke(
            "link", folder.File("start.o"), folder.File("members.a"), "-u", name, "-o", folder.File("image"));

        Assert.That(result.Status, Is.Zero, result.Error);
        Assert.That(Command.Check("nm", [folder.File("image")]), isPulled ? Does.Contain(" marker") : Does.Not.Contain("marker"));
    }

    private static (string Main, string Archive) Prepare(TemporaryFolder folder)
    {
        File.WriteAllText(folder.File("main.c"), "int main(void) { return 0; }");
        File.WriteAllText(folder.File("member.c"), Member);
        Command.Check("gcc-12", ["-c", folder.File("main.c"), "-o", folder.File("main.o")]);
        Command.Check("gcc-12", ["-c", folder.File("member.c"), "-o", folder.File("member.o")]);
        Command.Check("ar", ["rcs", folder.File("members.a"), folder.File("member.o")]);
        return (folder.File("main.o"), folder.File("members.a"));
    }
}
