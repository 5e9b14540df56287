using System.Text;
using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Elf;

/// <summary>What a file is by its first bytes, and what linker scripts name.</summary>
public sealed class FileKindTests
{
    [TestCase(ET_REL, FileKind.Object)]
    [TestCase(ET_DYN, FileKind.SharedObject)]
    [TestCase(ET_EXEC, FileKind.Executable)]
    [TestCase(ET_CORE, FileKind.Unknown)]
    public void TellsElfFilesApart(ushort type, FileKind expected)
    {
        byte[] file = new ElfBuilder { Type = type }.Build();
        Assert.That(FileKind.Detect(file), Is.EqualTo(expected));

        file[5] = ELFDATA2MSB;
        (file[16], file[17]) = (file[17], file[16]);
        Assert.That(FileKind.Detect(file), Is.EqualTo(expected));
        Assert.That(FileKind.Detect(file.AsSpan(0, 17)), Is.EqualTo(FileKind.Unknown));
    }

    [TestCase("!<arch>\n", FileKind.Archive)]
    [TestCase("!<thin>\n", FileKind.ThinArchive)]
    [TestCase("/* GNU ld script\n*/\nOUTPUT_FORMAT(elf64-x86-64)\nGROUP ( a )", FileKind.LinkerScript)]
    [TestCase("GROUP(a)", FileKind.LinkerScript)]
    [TestCase("  INPUT ( -lc )", FileKind.LinkerScript)]
    [TestCase("", FileKind.Unknown)]
    [TestCase("/* comment", FileKind.Unknown)]
    [TestCase("\"quote", FileKind.Unknown)]
    [TestCase("int main(void) {}", FileKind.Unknown)]
    [TestCase("!<arch>", FileKind.Unknown)]
    public void TellsOthersApart(string file, FileKind expected) =>
        Assert.That(FileKind.Detect(Encoding.UTF8.GetBytes(file)), Is.EqualTo(expected));

    /// <summary>The first is Debian 12's libm.a, the second its libc.so.</summary>
    [TestCase(
        "/* GNU ld script\n*/\nOUTPUT_FORMAT(elf64-x86-64)\nGROUP ( /usr/lib/libm-2.36.a /usr/lib/libmvec.a )\n",
        "/usr/lib/libm-2.36.a", "/usr/lib/libmvec.a")]
    [TestCase(
        "GROUP ( /lib/libc.so.6 /usr/lib/libc_nonshared.a  AS_NEEDED ( /lib/ld-linux-x86-64.so.2 ) )",
        "/lib/libc.so.6", "/usr/lib/libc_nonshared.a", "/lib/ld-linux-x86-64.so.2")]
    [TestCase(
        "INPUT(-lfoo,bar.o \"with space.o\" /* no.o */ x.o);INPUT(last.o)",
        "-lfoo", "bar.o", "with space.o", "x.o", "last.o")]
    [TestCase("SEARCH_DIR(/usr/lib) GROUP()")]
    [TestCase("")]
    public void ReadsScripts(string script, params string[] expected) =>
        Assert.That(LinkerScript.Read(Encoding.UTF8.GetBytes(script), "libm.a"), Is.EqualTo(expected));

    [TestCase("SECTIONS { }", "command 'SECTIONS' of a linker script", LinkErrorCode.Unsupported)]
    [TestCase("GROUP a", "GROUP is not followed by '('")]
    [TestCase("GROUP", "GROUP is not followed by '('")]
    [TestCase("GROUP ( a", "the list of GROUP does not end")]
    [TestCase("GROUP ( a ( b ) )", "'(' in the list of GROUP without AS_NEEDED")]
    [TestCase("GROUP ( AS_NEEDED b )", "AS_NEEDED is not followed by '('")]
    [TestCase("GROUP ( \"a )", "quoted name does not end")]
    [TestCase("GROUP ( /* a )", "comment does not end")]
    public void RefusesOtherScripts(string script, string message, LinkErrorCode code = LinkErrorCode.Malformed)
    {
        LinkException thrown = Assert.Throws<LinkException>(
            () => LinkerScript.Read(Encoding.UTF8.GetBytes(script), "libm.a"))!;

        Assert.That(thrown.Errors[0].Code, Is.EqualTo(code));
        Assert.That(thrown.Message, Does.StartWith("libm.a: ").And.Contains(message));
    }

    [TestCase("", "the file is empty")]
    [TestCase("text", "not an ELF file")]
    [TestCase("!<arch>\n", "archive; an object is needed here")]
    [TestCase("4243c0de", "LLVM bitcode; compile it", true)]
    [TestCase("cffaedfe", "Mach-O file", true)]
    [TestCase("6486", "COFF object", true)]
    [TestCase("7f454c46", "ELF identification of 16 bytes ends past the 4 bytes", true)]
    [TestCase("7f454c4602010100000000000000000001", "file header of 64 bytes ends past the 17 bytes", true)]
    public void SaysWhatIsNoObject(string file, string message, bool isHex = false)
    {
        byte[] bytes = isHex ? Convert.FromHexString(file) : Encoding.UTF8.GetBytes(file);

        Assert.That(
            () => ElfObject.Read(bytes, "a"),
            Throws.TypeOf<LinkException>().With.Message.StartWith("a: ").And.Message.Contains(message));
    }
}
