using System.Collections.Concurrent;
using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Support;

/// <summary>Makes objects of assembly, by LLVM's assembler.</summary>
internal static class Assembler
{
    private static readonly ConcurrentDictionary<(string Triple, string Source), byte[]> Made = [];

    /// <summary>Assembles for 32-bit Arm.</summary>
    public static ElfObject Arm(string source, string name = "a.o") => Object("armv7-linux-gnueabihf", source, name);

    /// <summary>Assembles for x86-64.</summary>
    public static ElfObject X64(string source, string name = "a.o") => Object("x86_64-linux-gnu", source, name);

    /// <summary>Assembles for a target.</summary>
    public static ElfObject Object(string triple, string source, string name) =>
        ElfObject.Read(Made.GetOrAdd((triple, source), key => Assemble(key.Triple, key.Source)), name);

    private static byte[] Assemble(string triple, string source)
    {
        using var folder = new TemporaryFolder();
        string input = folder.File("a.s");
        string output = folder.File("a.o");
        File.WriteAllText(input, source + "\n");
        _ = Command.Check("llvm-mc-14", ["-triple", triple, "-filetype=obj", input, "-o", output]);
        return File.ReadAllBytes(output);
    }
}
