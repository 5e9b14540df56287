using System.Collections.Concurrent;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Redirection;

/// <summary>Small sources, compiled once each.</summary>
internal static class Compiled
{
    private static readonly ConcurrentDictionary<(string, string), byte[]> Objects = new();

    /// <summary>The object that clang makes of C.</summary>
    public static byte[] C(string source, string flags = "-O2 -fPIC") => Objects.GetOrAdd((source, flags), _ =>
        Compile("clang-19", ".c", source, flags));

    /// <summary>The object that clang makes of C++.</summary>
    public static byte[] Cxx(string source, string flags = "-O2 -fPIC") => Objects.GetOrAdd((source, $"{flags} "), _ =>
        Compile("clang++-19", ".cpp", source, $"-std=c++17 {flags}"));

    /// <summary>The object that gcc makes of C.</summary>
    public static byte[] Gcc(string source, string flags = "-O2 -fPIC") => Objects.GetOrAdd((source, $"{flags}  "), _ =>
        Compile("gcc-12", ".c", source, flags));

    /// <summary>A copy in which a number stands for another one, wherever it is.</summary>
    public static byte[] With(this byte[] elf, int number, int instead)
    {
        byte[] copy = [.. elf];
        byte[] pattern = BitConverter.GetBytes(number);
        int found = 0;
        for (int at = copy.AsSpan().IndexOf(pattern); at >= 0; found++)
        {
            BitConverter.TryWriteBytes(copy.AsSpan(at), instead);
            int next = copy.AsSpan(at + sizeof(int)).IndexOf(pattern);
            at = next < 0 ? -1 : at + sizeof(int) + next;
        }

        Assert.That(found, Is.Positive);
        return copy;
    }

    private static byte[] Compile(string compiler, string extension, string source, string flags)
    {
        using var folder = new TemporaryFolder();
        string input = folder.File($"source{extension}");
        string output = folder.File("source.o");
        File.WriteAllText(input, source);
        _ = Command.Check(compiler, [.. flags.Split(' '), "-c", input, "-o", output]);
        return File.ReadAllBytes(output);
    }
}
