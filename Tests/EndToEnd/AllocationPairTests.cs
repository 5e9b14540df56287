namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Programs that define functions which allocate: refused where a block would go from the one to the other, else as a native
/// program.
/// </summary>
[Category("EndToEnd")]
public sealed class AllocationPairTests
{
    private const string Malloc = """
        #include <stddef.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        static char pool[1 << 16]; static size_t used; static int calls;
        void *malloc(size_t n) { void *p = pool + used; used += (n + 31) & ~15ul; calls++; return p; }
        void free(void *p) { if (p && ((char *)p < pool || (char *)p >= pool + sizeof pool)) { puts("foreign"); _exit(9); } }
        """;

    private const string Operators = """
        #include <cstdio>
        #include <cstdlib>
        #include <new>
        static long live;
        void *operator new(std::size_t n) { long *p = (long *)std::malloc(n + 32); p[0] = 0xfeed; live++; return p + 4; }
        void operator delete(void *q) noexcept {
            if (!q) return;
            long *p = (long *)q - 4;
            if (p[0] != 0xfeed) { std::puts("foreign"); std::_Exit(9); }
            live--; std::free(p);
        }
        """;

    private const string Sized = "void operator delete(void *q, std::size_t) noexcept { operator delete(q); }\n";

    private static IEnumerable<TestCaseData> Refused()
    {
        yield return Case("strdup and free", "c", Malloc + "int main() { char *s = strdup(\"a\"); free(s); return 0; }",
            "'free'", "'strdup'", "malloc and free");
        yield return Case("getline, which reallocates", "c", Malloc
            + "int main() { char *l = malloc(4); size_t n = 4; ssize_t r = getline(&l, &n, stdin); free(l); return r > 0; }",
            "'malloc', 'free'", "'getline'", "static library");
        yield return Case("a member of the family that is missing", "c", Malloc
            + "int main() { char *p = aligned_alloc(64, 64); free(p); return 0; }", "'free'", "'aligned_alloc'");
        yield return Case("malloc without free", "c", """
            #include <stdlib.h>
            static char pool[64];
            void *malloc(size_t n) { return pool; }
            int main() { free(malloc(3)); return 0; }
            """, "'malloc'", "'free'");
        yield return Case("strings of the library", "cpp", Operators + Sized
            + "#include <string>\nint main() { std::string s; for (int i = 0; i < 9; i++) s.append(\"a longer piece of text\"); return s.size() == 0; }",
            "operator new and operator delete", "libstdc++.a");
        yield return Case("string streams", "cpp", Operators + Sized
            + "#include <sstream>\nint main() { std::ostringstream o; o << 1.5; return o.str().empty(); }", "libstdc++.a");
        yield return Case("delete with a size that only the host has", "cpp", Operators + "struct S { long a; };\n"
            + "int main() { S *volatile s = new S; delete s; return 0; }", "'operator new(unsigned long)'", "'operator delete(void*, unsigned long)'");
    }

    private static IEnumerable<TestCaseData> Loaded()
    {
        yield return Case("a malloc of its own", "c", Malloc
            + "int main() { char *s = malloc(9); strcpy(s, \"own\"); puts(s); free(s); printf(\"%d\\n\", calls > 0); return 0; }");
        yield return Case("a malloc that counts and passes on", "c", """
            #include <stdio.h>
            #include <string.h>
            #include <stdlib.h>
            extern void *__libc_malloc(size_t); extern void __libc_free(void *);
            void *malloc(size_t n) { return __libc_malloc(n); }
            void free(void *p) { __libc_free(p); }
            int main() { char *s = strdup("passed on"); puts(s); free(s); return 0; }
            """);
        yield return Case("strdup without an allocator", "c", """
            #include <stdio.h>
            #include <string.h>
            #include <stdlib.h>
            int main() { char *s = strdup("as ever"); puts(s); free(s); return 0; }
            """);
        yield return Case("operators, containers and output", "cpp", Operators + Sized + """
            #include <iostream>
            #include <memory>
            #include <vector>
            int main() {
                { std::vector<int> v; for (int i = 0; i < 100; i++) v.push_back(i); auto p = std::make_unique<long>(5);
                  std::cout << v.size() << ' ' << *p << ' ' << live << std::endl; }
                std::cout << live << std::endl; return 0; }
            """);
        yield return Case("operators that look at strings", "cpp", Operators + Sized + """
            #include <string_view>
            #include <stdexcept>
            int main() { try { throw std::runtime_error("thrown"); } catch (std::exception &e) { std::puts(e.what()); }
                std::printf("%ld\n", live); return 0; }
            """);
        yield return Case("arrays that stay with the host", "cpp", Operators + Sized
            + "int main() { int *volatile a = new int[9]; delete[] a; std::printf(\"%ld\\n\", live); return 0; }");
    }

    [TestCaseSource(nameof(Refused))]
    public void AreRefusedWhereBlocksGoAcross(string extension, string source, string[] words)
    {
        using var folder = new TemporaryFolder();
        CommandResult result = ElfloadCommand.Run([Compile(folder, extension, source, out _)]);

        Assert.That(result.Status, Is.EqualTo(125), result.Output + result.Error);
        foreach (string word in words)
        {
            Assert.That(result.Error, Does.Contain(word));
        }
    }

    [TestCaseSource(nameof(Loaded))]
    public void RunAsNativelyWhereNoneDoes(string extension, string source, string[] words)
    {
        using var folder = new TemporaryFolder();
        string compiled = Compile(folder, extension, source, out string compiler);
        Command.Check(compiler, [compiled, "-o", folder.File("native")]);
        string expected = Command.Check(folder.File("native"), []);

        CommandResult result = ElfloadCommand.Run([compiled]);

        Assert.That(result.Error, Is.Empty);
        Assert.That(result.Output, Is.EqualTo(expected));
        Assert.That(words, Is.Empty);
    }

    [Test]
    public void WithTheStaticLibraryItRunsAsNatively()
    {
        using var folder = new TemporaryFolder();
        const string source = Operators + Sized + """
            #include <sstream>
            #include <string>
            int main() { { std::ostringstream o; o << std::string(100, 'x') << 1.5; std::printf("%zu\n", o.str().size()); }
                std::printf("%ld\n", live); return 0; }
            """;
        string compiled = Compile(folder, "cpp", source, out _);
        Command.Check("g++", [compiled, "-o", folder.File("native")]);
        string library = Command.Check("g++", ["-print-file-name=libstdc++.a"]).Trim();

        CommandResult result = ElfloadCommand.Run([compiled, library]);

        Assert.That(result.Error, Is.Empty);
        Assert.That(result.Output, Is.EqualTo(Command.Check(folder.File("native"), [])));
    }

    [Test]
    public void InspectNamesWhatTheHostImports()
    {
        using var folder = new TemporaryFolder();
        string compiled = Compile(folder, "c", Malloc + "int main() { return malloc(1) == 0; }", out _);

        CommandResult result = ElfloadCommand.Invoke("inspect", compiled);

        string[] named = [.. result.Output.Split('\n').SkipWhile(line => !line.StartsWith("defines what the host", StringComparison.Ordinal))
            .Skip(1).Select(line => line.Trim()).Where(line => line.Length > 0)];
        Assert.That(named, Is.EqualTo((string[])["free", "malloc"]), result.Output + result.Error);
    }

    private static TestCaseData Case(string name, string extension, string source, params string[] words) =>
        new TestCaseData(extension, source, words).SetArgDisplayNames(name);

    private static string Compile(TemporaryFolder folder, string extension, string source, out string compiler)
    {
        File.WriteAllText(folder.File("program." + extension), source);
        compiler = extension is "c" ? "gcc" : "g++";
        Command.Check(compiler, ["-O1", "-fno-builtin", "-c", folder.File("program." + extension), "-o", folder.File("program.o")]);
        return folder.File("program.o");
    }
}
