using System.Buffers.Binary;
using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Inputs;

/// <summary>Objects that show how costs grow.</summary>
internal static class GeneratedObjects
{
    private const int MostObjects = 10_000;

    // A CIE (DWARF, "Structure of Call Frame Information") for code whose frame is its return address, and the FDE of one
    // function. Where the function lies is at 32, its length at 36.
    private static readonly byte[] UnwindTable =
    [
        20, 0, 0, 0, 0, 0, 0, 0, 1, (byte)'z', (byte)'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0,
        20, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>One object with relocations, half of calls, half of pointers, and a hundredth as many functions.</summary>
    public static ObjectSet Relocations(int count) => ObjectSet.InFolder(InputFolder.Filled(
        $"relocations-{count}", folder => Save(folder, "relocations", WithRelocations(count))));

    /// <summary>Objects of one function each, which jumps to that of the object before.</summary>
    public static ObjectSet OneFunctionEach(int count) =>
        ObjectSet.InFolder(InputFolder.Filled("functions", WriteFunctions)).First(count);

    /// <summary>One object with 60,000 sections: half of them hold a function, half its relocation.</summary>
    public static ObjectSet ManySections() =>
        ObjectSet.InFolder(InputFolder.Filled("sections", folder => Save(folder, "sections", WithSections(60_000))));

    /// <summary>One object of about 2 kB.</summary>
    public static ObjectSet Small() => Compiled("small", "gcc-12", "small.c");

    /// <summary>One object that throws an exception.</summary>
    public static ObjectSet Thrower() => Compiled("thrower", "g++-12", "thrower.cpp");

    private static ObjectSet Compiled(string name, string compiler, string source)
    {
        string folder = InputFolder.Filled(name, folder => Shell.Run(
            compiler,
            "-c", "-O2", "-fPIC", Path.Combine(Repository.Root, "Tools", "Benchmarks", "sources", source),
            "-o", Path.Combine(folder, $"{name}.o")));
        return ObjectSet.InFolder(folder);
    }

    private static void Save(string folder, string name, ObjectWriter writer) =>
        File.WriteAllBytes(Path.Combine(folder, $"{name}.o"), writer.Write());

    private static ObjectWriter WithRelocations(int count)
    {
        const int call = 5; // call rel32
        const int pointer = 8;
        int half = count / 2;
        int functions = Math.Max(1, count / 100);
        byte[] code = new byte[(half * call) + 1];
        for (int i = 0; i < half; i++)
        {
            code[i * call] = 0xe8;
        }

        code[^1] = 0xc3;
        var writer = new ObjectWriter();
        int text = writer.AddSection(".text", ObjectWriter.Code, code, 16);
        int data = writer.AddSection(".data", ObjectWriter.Data, new byte[half * pointer], 8);
        int dataSymbol = writer.AddSectionSymbol(data);
        int[] targets = new int[functions];
        for (int i = 0; i < functions; i++)
        {
            ulong place = (ulong)i * 50 * call;
            targets[i] = writer.AddFunction($"function_{i}", text, place, 50 * call);
        }

        for (int i = 0; i < half; i++)
        {
            // Neighbours refer to targets that lie apart, as in real code.
            int target = targets[(int)((uint)i * 2_654_435_761L % functions)];
            writer.Relocate(text, (ulong)((i * call) + 1), ObjectWriter.R_X86_64_PLT32, target, -4);
            (int symbol, long addend) = i % 2 is 0 ? (target, 0) : (dataSymbol, i * pointer / 2);
            writer.Relocate(data, (ulong)(i * pointer), ObjectWriter.R_X86_64_64, symbol, addend);
        }

        return writer;
    }

    private static void WriteFunctions(string folder)
    {
        for (int i = 0; i < MostObjects; i++)
        {
            Save(folder, $"function-{i:00000}", WithFunction(i));
        }
    }

    private static ObjectWriter WithFunction(int number)
    {
        byte[] code = number is 0
            ? [0x8d, 0x47, 0x01, 0xc3] // lea eax, [rdi + 1]; ret
            : [0x83, 0xc7, 0x01, 0xe9, 0, 0, 0, 0]; // add edi, 1; jmp
        byte[] unwind = [.. UnwindTable];
        BinaryPrimitives.WriteInt32LittleEndian(unwind.AsSpan(36), code.Length);
        var writer = new ObjectWriter();
        int text = writer.AddSection(".text", ObjectWriter.Code, code, 16);
        int table = writer.AddSection(".eh_frame", ObjectWriter.ReadOnly, unwind, 8);
        int textSymbol = writer.AddSectionSymbol(text);
        _ = writer.AddFunction($"f{number}", text, 0, (ulong)code.Length);
        writer.Relocate(table, 32, ObjectWriter.R_X86_64_PC32, textSymbol, 0);
        if (number > 0)
        {
            writer.Relocate(text, 4, ObjectWriter.R_X86_64_PLT32, writer.AddUndefined($"f{number - 1}"), -4);
        }

        return writer;
    }

    private static ObjectWriter WithSections(int count)
    {
        const int tables = 4; // the null section, symbols, and two of names
        var writer = new ObjectWriter();
        int functions = (count - tables) / 2;
        for (int i = 0; i < functions; i++)
        {
            _ = writer.AddSection($".text.f{i}", ObjectWriter.Code, [0x83, 0xc7, 0x01, 0xe9, 0, 0, 0, 0], 16);
        }

        int[] symbols = [.. Enumerable.Range(0, functions).Select(i => writer.AddFunction($"f{i}", i + 1, 0, 8))];
        for (int i = 0; i < functions; i++)
        {
            writer.Relocate(i + 1, 4, ObjectWriter.R_X86_64_PLT32, symbols[(i + 1) % functions], -4);
        }

        return writer;
    }
}
