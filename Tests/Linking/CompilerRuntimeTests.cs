using ElfLoader.Linking;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Linking;

/// <summary>The names that are said to be in libgcc.a are those that are.</summary>
public sealed class CompilerRuntimeTests
{
    /// <summary>What nobody refers to by name, or defines something else there than elsewhere.</summary>
    private static readonly string[] NotMeant =
        ["DW.ref.__gcc_personality_v0", "__CTOR_LIST__", "__DTOR_LIST__", "__clz_tab", "__wrap_pthread_create"];

    [TestCase("gcc-12", "nm")]
    [TestCase("arm-linux-gnueabihf-gcc", "arm-linux-gnueabihf-nm")]
    [TestCase("arm-linux-gnueabihf-gcc", "arm-linux-gnueabihf-nm", "-mthumb", "-march=armv5t", "-mfloat-abi=soft")]
    public void AllOfTheLibraryAreKnown(string compiler, string lister, params string[] flags) => Assert.That(
        Names(lister, Command.Check(compiler, [.. flags, "-print-libgcc-file-name"]).Trim()).Except(NotMeant)
            .Where(name => !CompilerRuntime.Has(name)),
        Is.Empty);

    [TestCase("gcc-12", "nm", "libc.a")]
    [TestCase("gcc-12", "nm", "libstdc++.a")]
    [TestCase("gcc-12", "nm", "libgcc_eh.a")]
    [TestCase("gcc-12", "nm", "libsqlite3.a")]
    [TestCase("arm-linux-gnueabihf-gcc", "arm-linux-gnueabihf-nm", "libc.a")]
    [TestCase("arm-linux-gnueabihf-gcc", "arm-linux-gnueabihf-nm", "libgcc_eh.a")]
    public void NothingOfOthersIs(string compiler, string lister, string library) => Assert.That(
        Names(lister, Command.Check(compiler, [$"-print-file-name={library}"]).Trim()).Where(CompilerRuntime.Has), Is.Empty);

    private static IEnumerable<string> Names(string lister, string library)
    {
        string[] names =
        [
            .. from line in Command.Check(lister, ["-g", "--defined-only", library]).Split('\n')
               let words = line.Split(' ')
               where words.Length is 3
               select words[2],
        ];
        Assert.That(names, Is.Not.Empty);
        return names.Distinct();
    }
}
