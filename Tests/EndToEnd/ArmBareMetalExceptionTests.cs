using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// A C++ program for bare metal that throws, with newlib, libgcc and libsupc++ as Debian has them for arm-none-eabi: it does as when
/// GNU ld has linked it for bare metal. Its output and its end are calls of the debugger (semihosting), which qemu-arm knows.
/// </summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class ArmBareMetalExceptionTests
{
    private const string Gcc = "";

    /// <summary>clang's objects are for the A profile, with large enumerations, as if for Linux.</summary>
    [TestCase(Gcc)]
    [TestCase("-marm -O2")]
    [TestCase("-mthumb -O2")]
    [TestCase("-mthumb -O0 -fshort-enums")]
    public void ExceptionsAreCaught(string flags)
    {
        using var folder = new TemporaryFolder();
        string[] inputs = Inputs(folder, flags);
        string expected = folder.File("expected");
        string image = folder.File("image");
        Command.Check("arm-linux-gnueabihf-ld", ["--target2=rel", "--no-warn-mismatch", .. inputs, "-o", expected]);

        CommandResult linked = ElfloadCommand.Invoke(["link", .. inputs, "-o", image]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(linked.Status, Is.Zero, linked.Error);
            Assert.That(linked.Error, Does.Not.Contain("TARGET2"));
            Assert.That(Command.Run("qemu-arm", [image]), Is.EqualTo(Command.Run("qemu-arm", [expected])));
            Assert.That(Command.Run("qemu-arm", [image]).Status, Is.EqualTo(2 + 40 + 5 + 5));
        }
    }

    /// <summary>As on Linux, it does not: the choice counts.</summary>
    [Test]
    public void TheOtherMeaningIsWrong()
    {
        using var folder = new TemporaryFolder();
        string[] inputs = Inputs(folder, Gcc);
        string image = folder.File("image");

        CommandResult linked = ElfloadCommand.Invoke(["link", "--target2=got-rel", .. inputs, "-o", image]);

        Assert.That(linked, Is.EqualTo(new CommandResult(0, "", "")));
        Assert.That(Command.Run("qemu-arm", [image]).Status, Is.Not.EqualTo(2 + 40 + 5 + 5));
    }

    private static string[] Inputs(TemporaryFolder folder, string flags)
    {
        string fixtures = Path.Combine(Fixtures.Root, "fixtures", "arm-none-eabi");
        string program = Path.Combine(fixtures, "throws.o");
        if (flags is not Gcc)
        {
            program = folder.File("throws.o");
            Command.Check(
                "clang-19",
                [
                    "--target=arm-none-eabi", "-march=armv7-a", "-mfloat-abi=soft", "-fexceptions", .. flags.Split(' '),
                    "-c", Path.Combine(fixtures, "throws.cpp"), "-o", program,
                ]);
        }

        return [.. Names("crti.o", "crtbegin.o", "crt0.o"), program, .. Names("libbare.a", "crtend.o", "crtn.o")];

        IEnumerable<string> Names(params string[] names) => names.Select(name => Path.Combine(fixtures, name));
    }
}
