using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

public sealed class ProcessMapsTests
{
    [Test]
    public void ReadsTheKernelsLines()
    {
        IReadOnlyList<ProcessMapping> mappings = ProcessMaps.Parse(
        [
            "7ffff7dc3000-7ffff7de9000 r-xp 00026000 fd:01 2363    /usr/lib/a b/libc.so.6",
            "7ffff7de9000-7ffff7f3e000 rw-s 00000000 00:01 7       /memfd:elfloader (deleted)",
            "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
            "7ffff7f92000-7ffff7f9f000 ---p 00000000 00:00 0 ",
        ]);

        const MappingAccess ReadExecute = MappingAccess.Read | MappingAccess.Execute;
        const MappingAccess ReadWriteShared = MappingAccess.Read | MappingAccess.Write | MappingAccess.Shared;
        Assert.That(mappings, Is.EqualTo(new ProcessMapping[]
        {
            new(0x7ffff7dc3000, 0x7ffff7de9000, ReadExecute, 0x26000, "/usr/lib/a b/libc.so.6"),
            new(0x7ffff7de9000, 0x7ffff7f3e000, ReadWriteShared, 0, "/memfd:elfloader (deleted)"),
            new(0xffffffffff600000, 0xffffffffff601000, MappingAccess.Execute, 0, "[vsyscall]"),
            new(0x7ffff7f92000, 0x7ffff7f9f000, MappingAccess.None, 0, ""),
        }));
    }

    [TestCase("")]
    [TestCase("nonsense")]
    [TestCase("1000 rwxp 0 0 0")]
    public void RefusesWhatIsNotALine(string line) =>
        Assert.Throws<FormatException>(() => ProcessMaps.Parse([line]));

    [Test]
    [Platform("Linux")]
    public void ThisProcessIsRead() =>
        Assert.That(ProcessMaps.Read().Select(mapping => mapping.Path), Has.Member("[stack]"));
}
