using System.Runtime.InteropServices;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// A shared library and objects that were compiled with the same header, which has variables of vague linkage of each kind.
/// </summary>
internal sealed class SharedVariables : IDisposable
{
    private const int Now = 2; // RTLD_NOW
    private const int Global = 0x100; // RTLD_GLOBAL

    private const string Header = """
        #pragma once
        #define made made_SPACE
        #define gone gone_SPACE
        extern "C" { void made(int which); void gone(int which); }
        namespace SPACE {
        struct Value {
            int which; long payload;
            explicit Value(int w) : which(w), payload(w * 100L) { made(w); }
            ~Value() { payload = -1; gone(which); }
        };
        #ifndef PLAIN
        #define PLAIN int
        #endif
        inline PLAIN plain = {};
        inline Value constructed(1);
        inline Value &local() { static Value value(2); return value; }
        template <class T> struct Holder { static int member; static Value object; };
        template <class T> int Holder<T>::member = 3;
        template <class T> Value Holder<T>::object(4);
        }
        using namespace SPACE;
        #define ADDRESSES(prefix) _Pragma("GCC visibility push(default)") extern "C" { \
            void *prefix##_plain() { return &plain; } \
            void *prefix##_constructed() { return &constructed; } \
            void *prefix##_local() { return &local(); } \
            void *prefix##_member() { return &Holder<int>::member; } \
            void *prefix##_object() { return &Holder<long>::object; } } _Pragma("GCC visibility pop")
        """;

    private const string Counters = """
        #include "shared.h"
        static int makings[8], endings[8];
        extern "C" {
            void made(int which) { makings[which]++; }
            void gone(int which) { endings[which]++; }
            int times_made(int which) { return makings[which]; }
            int times_gone(int which) { return endings[which]; }
        }
        """;

    private static int s_spaces;

    private readonly TemporaryFolder _folder = new();

    public SharedVariables()
    {
        Space = $"space{Interlocked.Increment(ref s_spaces)}";
        File.WriteAllText(_folder.File("shared.h"), Header.Replace("SPACE", Space, StringComparison.Ordinal));
        Write("counters.cpp", Counters);
        Write("host.cpp", "#include \"shared.h\"\nADDRESSES(host)");
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate nint Address();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate int Count(int which);

    /// <summary>The variables: each kind of vague linkage.</summary>
    public static IReadOnlyList<string> Names { get; } = ["plain", "constructed", "local", "member", "object"];

    /// <summary>The variables' namespace: what one test has opened stays in the process.</summary>
    public string Space { get; }

    public string Folder => _folder.Path;

    public void Write(string name, string source) => File.WriteAllText(_folder.File(name), source);

    /// <summary>Compiles an object whose functions <c>prefix_plain</c> and so on give the variables' addresses.</summary>
    public string Object(string compiler, string prefix, params string[] flags)
    {
        Write($"{prefix}.cpp", $"#include \"shared.h\"\nADDRESSES({prefix})");
        return Compile(compiler, $"{prefix}.cpp", flags);
    }

    public string Compile(string compiler, string source, params string[] flags)
    {
        string output = _folder.File(Path.ChangeExtension(source, ".o"));
        Command.Check(compiler, ["-std=c++17", "-O1", .. flags, "-c", _folder.File(source), "-o", output]);
        return output;
    }

    /// <summary>Builds a shared library that has the variables, and counts what is constructed and destroyed.</summary>
    /// <remarks>Each has its own name and so its own place in the process.</remarks>
    public string SharedLibrary(string compiler, params string[] flags)
    {
        string output = _folder.File("libhost.so");
        Command.Check(
            compiler,
            ["-std=c++17", "-O1", "-fPIC", "-shared", .. flags, _folder.File("host.cpp"), _folder.File("counters.cpp"), "-o", output]);
        return output;
    }

    /// <summary>Opens a library as a program would, and never closes it.</summary>
    public static void Open(string path, bool isGlobal) =>
        Assert.That(OpenLibrary(path, Now | (isGlobal ? Global : 0)), Is.Not.Zero);

    public static nint AddressOf(nint library, string function) =>
        Marshal.GetDelegateForFunctionPointer<Address>(NativeLibrary.GetExport(library, function))();

    public static nint AddressOf(ObjectLibrary library, string function) => library.GetFunction<Address>(function)();

    public void Dispose() => _folder.Dispose();

    [DllImport("libc.so.6", EntryPoint = "dlopen")]
    private static extern nint OpenLibrary([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);
}
