using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ElfLoader.Fuzz.Differential;

/// <summary>Another linker, which links all objects of a batch at once.</summary>
internal sealed partial class Oracle
{
    /// <summary>How far below the table GNU ld's glue lies: in reach of branches between the sections and from them.</summary>
    private const ulong GlueDistance = 0x100_0000;

    private readonly string _program;
    private readonly string[] _arguments;

    private Oracle(string name, string program, params string[] arguments)
    {
        Name = name;
        _program = program;
        _arguments = arguments;
    }

    /// <summary>Its name.</summary>
    internal string Name { get; }

    /// <summary>LLVM's linker.</summary>
    internal static Oracle Lld { get; } = new("lld", "ld.lld-19", "--error-limit=0", "--noinhibit-exec", "--no-check-sections", "-n");

    /// <summary>GNU's linker; it tells of all that does not fit only where it is to tell all.</summary>
    internal static Oracle Gnu(bool isArm) => isArm
        ? new("gnu", "arm-linux-gnueabihf-ld", "--verbose", "--noinhibit-exec", "--no-check-sections", "-n", "--no-warn-rwx-segments", "--no-warn-mismatch")
        : new("gnu", "ld", "--verbose", "--noinhibit-exec", "--no-check-sections", "-n", "--no-warn-rwx-segments");

    /// <summary>The places that it is asked about: what it knows.</summary>
    internal IReadOnlyList<PlaceForm> Forms(bool isArm) =>
        !isArm ? Differential.Forms.X64
        : Name is "gnu" ? [.. Differential.Forms.Arm, .. Differential.Forms.ArmOthers.Where(form => form.IsOfGnu)]
        : Differential.Forms.Arm;

    /// <summary>Links.</summary>
    /// <param name="folder">Where the objects are; the script and the output go there.</param>
    /// <param name="files">Names of the objects.</param>
    /// <param name="script">The linker script.</param>
    /// <param name="relaxes">Whether instructions may be rewritten.</param>
    /// <returns>What it wrote, if anything, and the places that it refused, by section and offset.</returns>
    internal (OutputImage? Image, Dictionary<(string Section, ulong Offset), string> Refused) Link(
        string folder, IEnumerable<string> files, string script, bool relaxes)
    {
        File.WriteAllText(Path.Combine(folder, "script"), script);
        File.WriteAllLines(Path.Combine(folder, "files"), files);
        string output = Path.Combine(folder, "out-" + Name);
        File.Delete(output);
        string[] relax = relaxes ? [] : ["--no-relax"];
        (_, string printed, string error) = Programs.Run(
            _program, [.. _arguments, .. relax, "-T", "script", "-e", "0", "@files", "-o", output], folder);
        Dictionary<(string, ulong), string> refused = [];
        foreach (string line in (printed + error).Split('\n'))
        {
            // ld.lld: warning: o1a.o:(function f: s1a0+0x20): relocation R_X86_64_32 out of range: …
            Match place = Place().Match(line);
            if (place.Success && IsRefusal(line))
            {
                ulong offset = ulong.Parse(place.Groups[2].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                _ = refused.TryAdd((place.Groups[1].Value, offset), line);
            }
        }

        OutputImage? image = new FileInfo(output) is { Exists: true, Length: > 64 } ? new OutputImage(File.ReadAllBytes(output)) : null;
        return image is not null || refused.Count > 0
            ? (image, refused)
            : throw new InvalidOperationException($"{_program} in {folder}: {error[..Math.Min(2000, error.Length)]}");
    }

    private static bool IsRefusal(string line) =>
        !line.Contains(">>>", StringComparison.Ordinal)
        && !line.Contains("interworking not performed", StringComparison.Ordinal) // a branch to a label: only a warning
        && !line.Contains("undefined reference to", StringComparison.Ordinal);

    /// <summary>A script that puts each section at its address, in a segment of its own.</summary>
    internal static string Script(bool isArm, IEnumerable<GeneratedSection> sections, ulong table, ulong slots, ulong tls)
    {
        List<(ulong Address, string Name, string Contents)> places =
            [.. sections.Select(section => (section.Address, section.Name, $"*({section.Name})"))];
        places.Add((table, isArm ? ".got" : ".got.plt", isArm ? "*(.got.plt) *(.got)" : "*(.got.plt)"));
        places.Add((slots, isArm ? ".other" : ".got", isArm ? "*(.igot.plt)" : "*(.got) *(.igot.plt)"));
        places.Add((tls, ".tdata", "*(.tdata)"));
        if (isArm)
        {
            places.Add((table - GlueDistance, ".glue", "*(.glue_7) *(.glue_7t)")); // GNU ld's, for branches of the old types
        }

        places.Sort((left, right) => left.Address.CompareTo(right.Address));
        var script = new StringBuilder("PHDRS { tls PT_TLS;");
        for (int i = 0; i < places.Count; i++)
        {
            _ = script.Append(CultureInfo.InvariantCulture, $" h{i} PT_LOAD;");
        }

        _ = script.AppendLine(" }").AppendLine("SECTIONS {");
        for (int i = 0; i < places.Count; i++)
        {
            _ = script.AppendLine(CultureInfo.InvariantCulture,
                $"{places[i].Name} 0x{places[i].Address:x} : {{ {places[i].Contents} }} :h{i}{(places[i].Name is ".tdata" ? " :tls" : "")}");
        }

        return script.AppendLine(isArm ? ".ARM.attributes 0 : { *(.ARM.attributes) }" : "") // say what the processor can do
            .AppendLine("/DISCARD/ : { *(.comment) *(.note*) *(.vfp11_veneer) *(.v4_bx) *(.iplt) *(.rel*) }")
            .AppendLine("}").ToString();
    }

    [GeneratedRegex(@"[:( ](s\d+[ab]\d)\+0x([0-9a-f]+)\)")]
    private static partial Regex Place();
}
