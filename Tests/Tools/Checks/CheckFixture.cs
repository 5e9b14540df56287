using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using ElfLoader.Elf;
using ElfLoader.Inspection.Checks;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools.Checks;

/// <summary>A file of <c>fixtures/checks</c>: assembly with checks, and in its first comments how it is to be linked.</summary>
/// <param name="Folder">Its folder in <c>fixtures/checks</c>.</param>
/// <param name="Name">Its name without <c>.s</c>.</param>
internal sealed record CheckFixture(string Folder, string Name)
{
    private static readonly Lazy<TemporaryFolder> Objects = new(() => new TemporaryFolder());
    private static readonly ConcurrentDictionary<string, Lazy<string>> Assembled = [];

    private readonly Lazy<string> _text = new(() => File.ReadAllText(System.IO.Path.Combine(Fixtures.Folder, "checks", Folder, $"{Name}.s")));

    /// <summary>All of them.</summary>
    public static IEnumerable<CheckFixture> All => from folder in (string[])["x64", "arm", "features"] from fixture in In(folder) select fixture;

    /// <summary>Path of the source.</summary>
    public string Path => System.IO.Path.Combine(Fixtures.Folder, "checks", Folder, $"{Name}.s");

    /// <summary>What it is assembled for.</summary>
    public string Triple => Header("triple") ?? (Folder is "arm" ? "armv7-linux-gnueabihf" : "x86_64-linux-gnu");

    /// <summary>Symbols to define: NAME=ADDRESS, on Arm with an instruction set behind a colon.</summary>
    public string[] Definitions => Words("define");

    /// <summary>More options of <c>elfload verify</c>.</summary>
    public string[] Options => Words("options");

    /// <summary>The prefixes of the lines that llvm-jitlink can check.</summary>
    public string[] JitLinkPrefixes => Header("jitlink") is "none" ? []
        : Header("jitlink") is { } prefixes ? prefixes.Split(' ')
        : [.. ((string[])["rtdyld-check", "jitlink-check"]).Where(prefix => Rules([prefix]).Count > 0)];

    /// <summary>A symbol that the object defines.</summary>
    public string AnySymbol => Regex.Match(_text.Value, @"\.globl\s+(\w+)").Groups[1].Value;

    public static IEnumerable<CheckFixture> In(string folder) =>
        from path in Directory.EnumerateFiles(System.IO.Path.Combine(Fixtures.Folder, "checks", folder), "*.s").Order(StringComparer.Ordinal)
        select new CheckFixture(folder, System.IO.Path.GetFileNameWithoutExtension(path));

    /// <summary>Its rules; those of all tools where no prefixes are given.</summary>
    public IReadOnlyList<CheckRule> Rules(IReadOnlyList<string>? prefixes = null) => CheckFile.Parse(_text.Value, $"{Name}.s", prefixes);

    /// <summary>Assembles it, unless that has been done, and gives the object's path.</summary>
    public string Assemble() => Assembled.GetOrAdd(ToString(), _ => new Lazy<string>(AssembleNow)).Value;

    /// <summary>Removes all objects.</summary>
    public static void RemoveObjects()
    {
        if (Objects.IsValueCreated)
        {
            Objects.Value.Dispose();
        }
    }

    /// <summary>The options of the image linker.</summary>
    public ImageOptions LinkOptions() => new()
    {
        Definitions = Definitions.Select(text => text.Split('=', ':')).ToDictionary(
            parts => parts[0],
            parts => new DefinedSymbol(Convert.ToUInt64(parts[1], 16), parts.Length < 3 ? null : parts[2] is "thumb")),
        MapSections = [.. Options.Where(option => option is not "--map-section").Select(SectionMapping.Parse)],
    };

    /// <summary>Links an object that was assembled of it.</summary>
    public LinkedImage Link(string path)
    {
        var inputs = new InputFiles();
        inputs.Add(path);
        return new ImageLinker(LinkOptions()).Link(inputs);
    }

    /// <summary>A rule that is wrong where the given one is right.</summary>
    public static string Mutate(CheckRule rule)
    {
        int equals = rule.Text.IndexOf('=', StringComparison.Ordinal);
        return $"{rule.Text[..(equals + 1)]} ({rule.Text[(equals + 1)..].Trim()}) + 1";
    }

    public override string ToString() => $"{Folder}/{Name}";

    private string AssembleNow()
    {
        string folder = Directory.CreateDirectory(Objects.Value.File(Folder)).FullName;
        string path = System.IO.Path.Combine(folder, $"{Name}.o");
        string[] flags = Triple.StartsWith('x') ? [] : ["-arm-add-build-attributes"];
        _ = Command.Check("llvm-mc-19", [$"-triple={Triple}", "-filetype=obj", .. flags, Path, "-o", path]);
        if (Words("renumber") is [_, ..] pairs)
        {
            byte[] bytes = File.ReadAllBytes(path);
            Renumber(bytes, pairs.ToDictionary(
                pair => uint.Parse(pair.Split('=')[0], CultureInfo.InvariantCulture),
                pair => uint.Parse(pair.Split('=')[1], CultureInfo.InvariantCulture)));
            File.WriteAllBytes(path, bytes);
        }

        return path;
    }

    private string? Header(string key)
    {
        Match match = Regex.Match(_text.Value, $"^[#@] {key}: *(.*)$", RegexOptions.Multiline);
        return match.Success ? match.Groups[1].Value.Trim() : null;
    }

    private string[] Words(string key) => Header(key)?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>Gives relocations types that the assembler does not know.</summary>
    private static void Renumber(byte[] bytes, Dictionary<uint, uint> numbers)
    {
        var elf = ElfObject.Read(bytes.ToArray(), "renumbered");
        foreach (ref readonly RelocationSection section in elf.RelocationSections)
        {
            int start = (int)elf.Sections[section.Index].Offset;
            int step = elf.Is64Bit ? 24 : 8;
            for (int i = 0; i < (int)section.Count; i++)
            {
                Span<byte> info = bytes.AsSpan(start + (i * step) + (elf.Is64Bit ? 8 : 4), sizeof(uint));
                uint word = BinaryPrimitives.ReadUInt32LittleEndian(info);
                if (numbers.TryGetValue(elf.Is64Bit ? word : word & 0xff, out uint number))
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(info, elf.Is64Bit ? number : (word & ~0xffu) | number);
                }
            }
        }
    }
}

/// <summary>Cleans up after the tests of checks.</summary>
[SetUpFixture]
public sealed class CheckFixtureCleanUp
{
    [OneTimeTearDown]
    public void RemoveObjects() => CheckFixture.RemoveObjects();
}
