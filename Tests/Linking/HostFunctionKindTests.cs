using System.Runtime.InteropServices;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// A host symbol is a function or data by its own entry in the dynamic symbol table, not by what else lies at its address:
/// only for a function may a stub stand where 32 bits do not reach it.
/// </summary>
[Category("EndToEnd")]
[Platform("Linux")]
public sealed class HostFunctionKindTests
{
    // Functions that resolvers choose: without a name, with another one, and behind a variable's; names that share an address.
    private const string Library = """
        .text
        .globl chosen, chosen_named, chosen_behind, code, twin_of_code, table
        .type chosen, @gnu_indirect_function
        chosen: lea .Lnameless(%rip), %rax
                ret
        .type chosen_named, @gnu_indirect_function
        chosen_named: lea code(%rip), %rax
                ret
        .type chosen_behind, @gnu_indirect_function
        chosen_behind: lea .Lbehind(%rip), %rax
                ret
        .size chosen, 8
        .size chosen_named, 8
        .size chosen_behind, 8
        .Lnameless: mov $11, %eax
                ret
        .type twin_of_code, @object
        .type code, @function
        twin_of_code:
        code:   mov $12, %eax
                ret
        .size code, 6
        .size twin_of_code, 6
        .type table, @object
        table:  .quad 14
        .Lbehind: mov $13, %eax
                ret
        .size table, 64
        .data
        .globl number, twin_of_number
        .type number, @object
        .type twin_of_number, @function
        twin_of_number:
        number: .quad 15
        .size number, 8
        .size twin_of_number, 8
        .section .note.GNU-stack,"",@progbits
        """;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Number();

    private TemporaryFolder _folder = null!;
    private string _shared = null!;

    [OneTimeSetUp]
    public void Compile()
    {
        _folder = new TemporaryFolder();
        _shared = _folder.File("libkinds.so");
        File.WriteAllText(_folder.File("kinds.s"), Library);
        Command.Check("gcc-12", ["-shared", "-nostdlib", "-Wl,-Bsymbolic", _folder.File("kinds.s"), "-o", _shared]);
    }

    [OneTimeTearDown]
    public void Delete() => _folder.Dispose();

    /// <summary>The three ways in which compilers take a function's address with 32 bits, and the library's answer.</summary>
    [Test]
    public void TheAddressOfAFunctionIsItsStubWhereItIsOutOfReach(
        [Values("mov $target, %eax", "mov $target, %rax", "lea target(%rip), %rax; mov $own, %ecx")] string taken,
        [Values("chosen 11", "chosen_named 12", "chosen_behind 13", "code 12")] string function)
    {
        string[] words = function.Split(' ');
        using var library = new ObjectLibrary("kinds");
        library.AddSharedLibrary(_shared);

        library.Load(Assemble(taken.Replace("target", words[0], StringComparison.Ordinal)));

        Assert.That(library.GetFunction<Number>("own")(), Is.EqualTo(int.Parse(words[1])));
    }

    /// <summary>What the system's C library chooses by the processor, as the compiler refers to it.</summary>
    [Test]
    public void TheAddressOfAChosenFunctionOfTheCLibraryCanBeTakenWith32Bits([Values("gcc-12", "clang-19")] string compiler)
    {
        File.WriteAllText(_folder.File("copy.c"), """
            #include <string.h>
            #include <stdio.h>
            void *(*volatile copy)(void *, const void *, size_t);
            size_t (*volatile length)(const char *);
            int main(void)
            {
                char text[16];
                copy = memcpy;
                length = strlen;
                copy(text, "taken", 6);
                printf("%s %d\n", text, (int)length(text));
                return 0;
            }
            """);
        string file = _folder.File("copy.o");
        Command.Check(compiler, ["-O1", "-fno-pic", "-fno-builtin", "-c", _folder.File("copy.c"), "-o", file]);
        Assert.That(Command.Check("readelf", ["-rW", file]), Does.Match("R_X86_64_32S? .*memcpy"));

        CommandResult result = ElfloadCommand.Run([file]);

        Assert.That(result, Is.EqualTo(new CommandResult(0, "taken 5\n", "")));
    }

    /// <summary>A variable stays one even if a function's name has the same address: its bytes are not a stub's.</summary>
    [TestCase("number")]
    [TestCase("twin_of_code")]
    [TestCase("table")]
    public void DataIsNeverAnsweredWithAStub(string variable)
    {
        using var library = new ObjectLibrary("kinds");
        library.AddSharedLibrary(_shared);

        LinkException exception = Assert.Throws<LinkException>(() => library.Load(Assemble($"mov {variable}, %eax")));

        Assert.That(exception.Message, Does.Contain($"'{variable}' is data of {_shared}"));
    }

    private string Assemble(string instruction)
    {
        string name = _folder.File($"{Guid.NewGuid():n}");
        File.WriteAllText($"{name}.s", $"""
            .text
            .globl own
            .type own, @function
            own:    sub $8, %rsp
                    {instruction}
                    call *%rax
                    add $8, %rsp
                    ret
            .section .note.GNU-stack,"",@progbits

            """);
        Command.Check("gcc-12", ["-c", $"{name}.s", "-o", $"{name}.o"]);
        return $"{name}.o";
    }
}
