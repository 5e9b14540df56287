using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Images;

/// <summary>
/// Zeros that cannot be written: a kernel does not clear the rest of a page that it may not write, so what lies there in the file
/// is seen by the program.
/// </summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class ReadOnlyZerosTests
{
    [TestCase("a", 0x100)]
    [TestCase("al", 0x100)]
    [TestCase("al", 0x1ff8)]
    [TestCase("al", 0x2_0000)]
    public void AreZeros(string flags, int size)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("a.s"),
            $"""
            .globl _start
            _start: mov $5, %edi
                movabs $nothing, %rdx
                mov ${size}, %ecx
            next: movzbl -1(%rdx, %rcx), %eax
                or %eax, %edi
                dec %ecx
                jnz next
                mov $60, %eax
                syscall
            .section bytes, "{flags}", @progbits
                .quad 1
            .section zeros, "{flags}", @nobits
            nothing: .space {size}

            """);
        Command.Check("gcc-12", ["-c", "a.s"], folder.Path);
        string image = folder.File("a");

        CommandResult linked = ElfloadCommand.Invoke("link", folder.File("a.o"), "-o", image);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
            Assert.That(Command.Run(image, []).Status, Is.EqualTo(5));
            Assert.That(ImageTools.Lint(image).Where(line => !line.Contains("processor-specific flag(s)")), Is.Empty);
        }
    }
}
