using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Redirection;
using ElfLoader.Tests.Runtime;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Growth;

/// <summary>
/// What it costs to find out who may call units that go, where a thread owes a destructor: each unit of a chain refers to all
/// functions of the one below it, and the destructor calls the topmost.
/// </summary>
[NonParallelizable]
public sealed class OwedGrowthTests
{
    private const string Owing = """
        extern "C" int top();
        struct Noting { long *log = nullptr; ~Noting(); };
        Noting::~Noting() { if (log) *log += top(); }
        thread_local Noting noting;
        extern "C" void start(long *log) { noting.log = log; }
        """;

    [Test]
    public void FunctionsOfUnitsThatADestructorMayCall() =>
        GrowthTable.Check("functions of a chain of three that a thread owes", 50, size => Count(3, size));

    [Test]
    public void UnitsThatADestructorMayCall() => GrowthTable.Check("a chain of units that a thread owes", 3, size => Count(size, 2));

    private static long Count(int depth, int functions)
    {
        byte[] owing = Compiled.Cxx(Owing);
        ulong log = HostProcess.Data();
        using var library = new ObjectLibrary("owed", new ObjectLibraryOptions { Redirectable = true });
        LoadedUnit[] units = [.. Enumerable.Range(0, depth).Select(level => library.Load(Level(level, depth, functions)))];
        LoadedUnit last = library.Load(owing, "owing.o");
        ulong start = library.Address("start");
        long steps = 0;
        var thread = new Thread(() =>
        {
            _ = NativeCall.Call(start, log);
            var unloading = new Thread(() =>
            {
                long before = Steps(library);
                last.Unload();
                foreach (LoadedUnit unit in units.Reverse())
                {
                    unit.Unload();
                }

                Assert.That(library.Reclaim(), Is.EqualTo(depth + 1), "the thread owes the destructor");
                steps = Steps(library) - before;
            });
            unloading.Start();
            unloading.Join();
        });
        thread.Start();
        thread.Join();
        Assert.That((NativeBytes.LoadWord(log), library.Reclaim()), Is.EqualTo((7UL, 0)));
        return steps;
    }

    /// <summary>Functions that return 7, and the addresses of all of the level below.</summary>
    private static ElfBuilder Level(int level, int depth, int functions)
    {
        ElfBuilder elf = new();
        int code = elf.AddCode(".text", 0xb8, 7, 0, 0, 0, 0xc3);
        int data = elf.AddWords(".data", new ulong[functions]);
        for (int i = 0; i < functions; i++)
        {
            string name = level == depth - 1 && i is 0 ? "top" : $"f{level}_{i}";
            elf.AddSymbol(name, code, 0, 6, type: ElfLoader.Elf.SymbolType.Function);
            if (level > 0)
            {
                elf.AddRelocation(data, (ulong)i * 8, 1, elf.AddSymbol($"f{level - 1}_{i}")); // R_X86_64_64
            }
        }

        return elf;
    }

    private static long Steps(ObjectLibrary library) =>
        library.Contents.Steps + library.Entries.Steps + NativeProcess.Current.Graph.Steps + NativeProcess.Current.Entries.OwedSteps;
}
