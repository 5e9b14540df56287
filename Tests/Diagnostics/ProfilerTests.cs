using System.Buffers.Binary;
using System.Text;
using ElfLoader.Diagnostics;
using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Diagnostics;

/// <summary>The files for <c>perf</c>.</summary>
public sealed class ProfilerTests
{
    private const ushort X64 = 62;

    private const string Busy = """
        #include <stdio.h>
        volatile unsigned long sink;
        __attribute__((noinline)) void busy_inner(unsigned long n)
        {
            for (unsigned long i = 0; i < n; i++)
                sink += i * i;
        }
        int main(void)
        {
            for (int i = 0; i < 20; i++)
                busy_inner(20000000);
            puts("done");
            return 0;
        }
        """;

    [TestCase(null, ProfilerSupport.Off)]
    [TestCase("map", ProfilerSupport.PerfMap)]
    [TestCase("jitdump", ProfilerSupport.JitDump)]
    [TestCase("jitdump, map", ProfilerSupport.PerfMap | ProfilerSupport.JitDump)]
    [TestCase("1", ProfilerSupport.Off)]
    public void TheVariableIsAListOfNames(string? text, ProfilerSupport support) =>
        Assert.That(DiagnosticVariables.Parse(text), Is.EqualTo(support));

    [Test]
    public void TheDumpIsCompleteAndConsistent()
    {
        using var folder = new TemporaryFolder();
        using var library = new ObjectLibrary("library");
        LoadedUnit unit = library.Load(Fixtures.Object("calls"), Fixtures.Object("callee"));
        List<LoadedFunction> functions = LoadedFunction.Of(unit);
        LoadedSection unwind = unit.Sections.First(section => section.Name is ".eh_frame");
        string path = folder.File($"jit-{Environment.ProcessId}.dump");
        using (var dump = new JitDump(path, X64))
        {
            ReadOnlySpan<byte> table = NativeBytes.ReadOnlyAt(unwind.Address, (int)unwind.Size);
            dump.Add(functions, new UnwindIndex(table, unwind.Address));
        }

        byte[] file = File.ReadAllBytes(path);
        Assert.That(functions, Is.Not.Empty);
        CheckHeader(file);
        List<(uint Id, byte[] Body)> records = Records(file);
        (uint Id, byte[] Body)[] loads = [.. records.Where(record => record.Id is 0)];
        Assert.That(loads, Has.Length.EqualTo(functions.Count));
        for (int i = 0; i < loads.Length; i++)
        {
            CheckLoad(loads[i].Body, functions[i], (ulong)i);
        }

        Assert.That(records[^1].Id, Is.EqualTo(3), "JIT_CODE_CLOSE");
        Assert.That(records[^1].Body, Is.Empty);
        Assert.That(records.Count(record => record.Id is 4), Is.GreaterThan(0).And.LessThanOrEqualTo(loads.Length));
        for (int i = 0; i < records.Count; i++)
        {
            if (records[i].Id is 4)
            {
                Assert.That(records[i + 1].Id, Is.Zero, "unwinding information is for the next load");
                CheckUnwinding(records[i].Body, CodeSize(records[i + 1].Body));
            }
        }
    }

    [Test]
    public void TheMapHasALineForEachFunction()
    {
        using var folder = new TemporaryFolder();
        using var library = new ObjectLibrary("library");
        List<LoadedFunction> functions =
            LoadedFunction.Of(library.Load(Fixtures.Object("calls"), Fixtures.Object("callee")));
        string path = folder.File("perf.map");
        using (var map = new PerfMap(path))
        {
            File.AppendAllText(path, "1000 10 other\n");
            map.Add(functions);
        }

        Assert.That(
            File.ReadAllLines(path),
            Is.EqualTo(functions.Select(f => $"{f.Address:x} {f.Size:x} {f.Name}").Prepend("1000 10 other")));
    }

    [Test]
    [Category("EndToEnd")]
    public void PerfNamesWhatWasLoaded([Values("map", "jitdump")] string kind)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("busy.c"), Busy);
        _ = Command.Check("gcc", ["-O1", "-c", "busy.c"], folder.Path);
        string data = folder.File("perf.data");
        if (!Command.Exists("perf"))
        {
            Assert.Ignore("perf is not installed");
        }

        CommandResult recorded = Command.Run(
            "env",
            [
                $"ELFLOADER_PERF={kind}", $"JITDUMPDIR={folder.Path}",
                "perf", "record", "-e", "cpu-clock", "-k", "mono", "-o", data,
                "dotnet", ElfloadCommand.Tool, "run", folder.File("busy.o"),
            ],
            folder.Path);
        if (recorded.Status is not 0)
        {
            Assert.Ignore($"perf record does not work here: {recorded.Error}");
        }

        if (kind is "jitdump")
        {
            string injected = folder.File("injected.data");
            _ = Command.Check("perf", ["inject", "--jit", "-i", data, "-o", injected], folder.Path);
            data = injected;
        }

        string report = Command.Check("perf", ["report", "-i", data, "--stdio", "--sort", "symbol", "--percent-limit", "5"], folder.Path);
        foreach (string map in Directory.GetFiles("/tmp", "perf-*.map"))
        {
            if (File.ReadAllText(map).Contains(" busy_inner\n", StringComparison.Ordinal))
            {
                File.Delete(map);
            }
        }

        Assert.That(report, Does.Match(@"\d+\.\d+%.*\bbusy_inner"));
    }

    private static void CheckHeader(ReadOnlySpan<byte> file)
    {
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(file), Is.EqualTo(0x4A695444));
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(file[4..]), Is.EqualTo(1), "version");
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(file[8..]), Is.EqualTo(40), "total_size");
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(file[12..]), Is.EqualTo(62), "elf_mach");
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(file[16..]), Is.Zero, "pad1");
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(file[20..]), Is.EqualTo(Environment.ProcessId), "pid");
        Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(file[24..]), Is.Not.Zero, "timestamp");
        Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(file[32..]), Is.Zero, "flags");
    }

    /// <summary>Splits records, whose times must not go backwards and whose sizes must end with the file.</summary>
    private static List<(uint Id, byte[] Body)> Records(byte[] file)
    {
        List<(uint, byte[])> records = [];
        ulong time = BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(24));
        int offset = 40;
        while (offset < file.Length)
        {
            int size = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(offset + 4));
            ulong next = BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(offset + 8));
            Assert.That(size, Is.GreaterThanOrEqualTo(16).And.LessThanOrEqualTo(file.Length - offset));
            Assert.That(next, Is.GreaterThanOrEqualTo(time));
            time = next;
            records.Add((BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(offset)), file[(offset + 16)..(offset + size)]));
            offset += size;
        }

        return records;
    }

    private static ulong CodeSize(byte[] load) => BinaryPrimitives.ReadUInt64LittleEndian(load.AsSpan(24));

    private static void CheckLoad(byte[] body, in LoadedFunction function, ulong index)
    {
        Assert.That(BinaryPrimitives.ReadInt32LittleEndian(body), Is.EqualTo(Environment.ProcessId), "pid");
        Assert.That(BinaryPrimitives.ReadInt32LittleEndian(body.AsSpan(4)), Is.EqualTo(ProcessThreads.Current), "tid");
        Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(body.AsSpan(8)), Is.EqualTo(function.Address), "vma");
        Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(body.AsSpan(16)), Is.EqualTo(function.Address), "code_addr");
        Assert.That(CodeSize(body), Is.EqualTo(function.Size), "code_size");
        Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(body.AsSpan(32)), Is.EqualTo(index), "code_index");
        int end = Array.IndexOf(body, (byte)0, 40);
        Assert.That(Encoding.UTF8.GetString(body, 40, end - 40), Is.EqualTo(function.Name));
        Assert.That(body[(end + 1)..], Is.EqualTo(NativeBytes.ReadOnlyAt(function.Address, (int)function.Size).ToArray()));
    }

    /// <summary>The index leads to the table and to the one description, which is of the code before the table.</summary>
    private static void CheckUnwinding(byte[] body, ulong codeSize)
    {
        int size = BinaryPrimitives.ReadInt32LittleEndian(body);
        int indexSize = BinaryPrimitives.ReadInt32LittleEndian(body.AsSpan(8));
        Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(body.AsSpan(16)), Is.Zero, "mapped_size");
        Assert.That(body, Has.Length.EqualTo(24 + ((size + 7) & ~7)));
        Assert.That(indexSize, Is.EqualTo(20));
        ReadOnlySpan<byte> tables = body.AsSpan(24, size);
        int index = size - indexSize;
        long start = (long)((codeSize + 7) & ~7UL);
        Assert.That(tables.Slice(index, 4).ToArray(), Is.EqualTo(new byte[] { 1, 0x1b, 3, 0x3b }));
        Assert.That(index + 4 + BinaryPrimitives.ReadInt32LittleEndian(tables[(index + 4)..]), Is.Zero, "eh_frame_ptr");
        Assert.That(BinaryPrimitives.ReadInt32LittleEndian(tables[(index + 8)..]), Is.EqualTo(1), "fde_count");
        Assert.That(start + index + BinaryPrimitives.ReadInt32LittleEndian(tables[(index + 12)..]), Is.Zero, "function");
        int description = index + BinaryPrimitives.ReadInt32LittleEndian(tables[(index + 16)..]);
        int common = description + 4 - BinaryPrimitives.ReadInt32LittleEndian(tables[(description + 4)..]);
        Assert.That(common, Is.Zero);
        Assert.That(start + description + 8 + BinaryPrimitives.ReadInt32LittleEndian(tables[(description + 8)..]), Is.Zero, "pc_begin");
        Assert.That(BinaryPrimitives.ReadInt32LittleEndian(tables[(description + 12)..]), Is.EqualTo((int)codeSize), "pc_range");
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(tables[(index - 4)..]), Is.Zero, "terminator");
    }
}
