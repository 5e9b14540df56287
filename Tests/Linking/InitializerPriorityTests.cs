using System.Globalization;
using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>In which order arrays of initializers are called: the same in this process, in images, and by another linker.</summary>
public sealed class InitializerPriorityTests
{
    /// <summary>Sections in the order of the input; each has one function, which notes its number.</summary>
    private static readonly string[] Rows =
    [
        ".init_array .init_array.101",
        ".init_array .init_array.65535",
        ".init_array .init_array.65536",
        ".init_array .init_array.70000",
        ".init_array.70000 .init_array",
        ".init_array.70000 .init_array.101 .init_array",
        ".init_array.200 .init_array.00100",
        ".init_array.2 .init_array.10",
        ".init_array.x .init_array .init_array.5",
        ".init_array .init_array.a.5",
        ".init_array.4294967296 .init_array .init_array.1",
        ".init_array.0 .init_array.1",
        ".ctors.65435 .init_array.101 .init_array.99",
        ".ctors .init_array .ctors.1",
        ".init_array.50000 .ctors.20000 .init_array.40000",
    ];

    [TestCaseSource(nameof(Rows))]
    public void IsTheSameEverywhere(string sections)
    {
        ElfObject[] initializers = [Order, .. sections.Split(' ').Select(Initializer)];
        ElfObject[] objects = [Start, .. initializers];
        using var folder = new TemporaryFolder();
        foreach (ElfObject elf in objects)
        {
            File.WriteAllBytes(folder.File(elf.Name), elf.Bytes.ToArray());
        }

        // lld leaves .ctors where they are, for start files that call them: GNU ld makes initializers of them, as is done here.
        string linker = sections.Contains("ctors", StringComparison.Ordinal) ? "ld.bfd" : "ld.lld-19";
        _ = Command.Check(linker, [.. objects.Select(elf => elf.Name), "-o", "theirs"], folder.Path);
        using var library = new ObjectLibrary("order");
        library.Load(initializers);
        string loaded = (library.Word("order") & byte.MaxValue).ToString("x", CultureInfo.InvariantCulture);

        string expected = $"{Command.Run(folder.File("theirs"), []).Status:x}";
        using (Assert.EnterMultipleScope())
        {
            Assert.That($"{ImagePrograms.Run(objects):x}", Is.EqualTo(expected), "an image");
            Assert.That(loaded, Is.EqualTo(expected), "this process");
        }
    }

    /// <summary>Calls the initializers, and ends with the order in which the last two were called: four bits for each.</summary>
    private static ElfObject Start => Assembler.X64(
        """
        .weak __init_array_start, __init_array_end
        .hidden __init_array_start, __init_array_end
        .text
        .globl _start
        _start: lea __init_array_start(%rip),%rbx
         lea __init_array_end(%rip),%rbp
        1: cmp %rbp,%rbx
         jae 2f
         call *(%rbx)
         add $8,%rbx
         jmp 1b
        2: mov order(%rip),%edi
         mov $60,%eax
         syscall
        """,
        "start.o");

    private static ElfObject Order => Assembler.X64(".data\n.globl order\norder: .quad 0", "order.o");

    private static ElfObject Initializer(string section, int index)
    {
        string type = section.StartsWith(".init", StringComparison.Ordinal) ? "@init_array" : "@progbits";
        return Assembler.X64(
            $"""
            .text
            note: mov order(%rip),%rax
             shl $2,%rax
             add ${index + 1},%rax
             mov %rax,order(%rip)
             ret
            .section {section},"aw",{type}
            .quad note
            """,
            $"{index}.o");
    }
}
