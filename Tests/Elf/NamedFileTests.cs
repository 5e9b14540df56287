using System.Diagnostics;
using ElfLoader.Elf;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Elf;

/// <summary>A thin archive and a linker script choose the names of files, and may choose badly: nothing waits, nothing is endless.</summary>
internal sealed class NamedFileTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly string[] Names =
        ["pipe", "link-to-pipe", "link-to-itself", "/dev/zero", "/dev/stdin", "/proc/self/mem", "missing.o", ".", "", "empty.o", "a\0b"];

    [TestCaseSource(nameof(Names))]
    public void AMemberThatIsNoFileIsRefused(string name)
    {
        using var folder = new TemporaryFolder();
        byte[] value = F();
        string path = Write(folder, "thin.a", ArchiveBuilder.Thin((name, value), ("member.o", value)).Build());
        Make(folder, value);
        var inputs = new InputFiles();
        inputs.Add(path);

        IReadOnlyList<ArchiveMember> members = inputs.Archives[0].Members;
        LinkException? thrown = Within(() => Assert.Throws<LinkException>(() => _ = members[0].Bytes));
        Assert.That(thrown!.Errors[0].Code, Is.EqualTo(LinkErrorCode.File));
        Assert.That(members[1].Bytes.ToArray(), Is.EqualTo(value));
    }

    [TestCase("pipe")]
    [TestCase("/dev/zero")]
    public void AnInputOfAScriptThatIsNoFileIsRefused(string name)
    {
        using var folder = new TemporaryFolder();
        Make(folder, F());
        string script = Write(folder, "lib.so", System.Text.Encoding.UTF8.GetBytes($"GROUP ( {name} )\n"));

        LinkException? thrown = Within(() => Assert.Throws<LinkException>(() => new InputFiles().Add(script)));
        Assert.That(thrown!.Message, Does.Contain("no regular file"));
    }

    /// <summary>Links are what build systems make.</summary>
    [Test]
    public void AMemberMayBeALinkAndOutsideOfTheFolder()
    {
        using var folder = new TemporaryFolder();
        byte[] value = F();
        Make(folder, value);
        string path = Write(folder, "thin.a", ArchiveBuilder.Thin(("link-to-member.o", value), (folder.File("member.o"), value)).Build());
        var inputs = new InputFiles();
        inputs.Add(path);

        Assert.That(inputs.Archives[0].Members.Select(member => member.Bytes.ToArray()), Has.All.EqualTo(value));
    }

    private static string Write(TemporaryFolder folder, string name, byte[] bytes)
    {
        string path = folder.File(name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static byte[] F()
    {
        ElfBuilder elf = new();
        elf.AddSection(".data", bytes: [1, 2, 3, 4]);
        return elf.Build();
    }

    private static void Make(TemporaryFolder folder, byte[] member)
    {
        _ = Write(folder, "member.o", member);
        _ = Write(folder, "empty.o", []);
        _ = File.CreateSymbolicLink(folder.File("link-to-member.o"), "member.o");
        _ = File.CreateSymbolicLink(folder.File("link-to-itself"), "link-to-itself");
        _ = File.CreateSymbolicLink(folder.File("link-to-pipe"), "pipe");
        using Process made = Process.Start("mkfifo", [folder.File("pipe")]);
        made.WaitForExit();
        Assert.That(made.ExitCode, Is.Zero);
    }

    private static T Within<T>(Func<T> act)
    {
        var work = Task.Run(act);
        Assert.That(work.Wait(Patience), Is.True, "it waits, or reads without end");
        return work.Result;
    }
}
