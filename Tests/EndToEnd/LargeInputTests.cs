using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Inputs on which loaders are slow: very many sections, a compiler's back end in one batch.</summary>
[Category("EndToEnd")]
public sealed class LargeInputTests
{
    private const int Sections = 70_000;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Number();

    [Test]
    public void SeventyThousandSectionsLoadInWellUnderASecond()
    {
        using var folder = new TemporaryFolder();
        string path = AssembleManySections(folder);
        using (var warmUp = new ObjectLibrary("warm-up"))
        {
            warmUp.Load(Support.Fixtures.Object("counter"));
        }

        byte[] bytes = File.ReadAllBytes(path);
        using var library = new ObjectLibrary("many");
        long start = Stopwatch.GetTimestamp();

        library.Load(bytes, "many.o");

        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(elapsed, Is.LessThan(TimeSpan.FromSeconds(1)));
            Assert.That(library.GetFunction<Number>("f0")(), Is.Zero);
            Assert.That(library.GetFunction<Number>($"f{Sections - 1}")(), Is.EqualTo(Sections - 1));
            Assert.That(library.GetFunction<Number>("chain")(), Is.EqualTo(Sections - 1));
        }
    }

    [Test]
    public void CodeGeneratorsOfLlvmLoadAsOneBatch()
    {
        using var folder = new TemporaryFolder();
        Command.Check("llvm-ar-14", ["x", LlvmArchives.Find("X86CodeGen")], folder.Path);
        string[] members = Directory.GetFiles(folder.Path, "*.o");
        using var library = new ObjectLibrary("X86CodeGen", new ObjectLibraryOptions { AllowUndefined = true, RunCode = false });

        library.Load(members);

        Assert.That(members, Has.Length.EqualTo(59));
        Assert.That(library.TryGetExport("LLVMInitializeX86Target", out nint address), Is.True);
        Assert.That(address, Is.Not.Zero);
    }

    private static string AssembleManySections(TemporaryFolder folder)
    {
        var source = new StringBuilder();
        for (int i = 0; i < Sections; i++)
        {
            source.Append($".section .text.f{i},\"ax\",@progbits\n.globl f{i}\nf{i}: movl ${i}, %eax\nret\n");
        }

        source.Append($".text\n.globl chain\nchain: jmp f{Sections - 1}@PLT\n");
        string assembly = folder.File("many.s");
        File.WriteAllText(assembly, source.ToString());
        Command.Check("llvm-mc-14", ["-filetype=obj", "-triple=x86_64-linux-gnu", assembly, "-o", folder.File("many.o")]);
        return folder.File("many.o");
    }
}
