using System.Buffers.Binary;
using System.Globalization;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>The records of patched places, beside what readelf says of the objects and what lld makes of them.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class PatchComparisonTests
{
    private static readonly string[] Programs =
    [
        "data", "switches", "constructors", "calls", "templates", "shapes", "throws", "comdat", "narrow", "addends", "sizes",
        "statics", "strings", "vectors", "tls", "tls-pic", "tlsforms", "gotoff", "gotpcrelx", "large", "calls-crel",
    ];

    /// <summary>One record for each relocation that readelf lists for a section that is loaded; markers patch nothing.</summary>
    [TestCaseSource(nameof(Programs))]
    public void EveryRelocationHasItsRecord(string name)
    {
        using var folder = new TemporaryFolder();
        LinkedImage image = Link(name, folder, out string[] objects);

        IEnumerable<string> expected = objects.SelectMany(path => Relocations(path).Where(relocation =>
            image.Sections.Any(section =>
                section.Object == Path.GetFileName(path) && section.Index == relocation.Section))
            .Select(relocation => $"{Path.GetFileName(path)} {relocation.Section} {relocation.Offset:x} {relocation.Type}"));

        Assert.That(
            image.Patches.Select(patch => $"{patch.Object} {patch.SectionIndex} {patch.Offset:x} {patch.Relocation}"),
            Is.EquivalentTo(expected));
    }

    /// <summary>
    /// The bytes that lld writes at the same addresses. Where a record says that a formula's value was stored, lld's bytes
    /// hold that value; the slots of the global offset table, which it puts elsewhere, are compared by what they hold.
    /// </summary>
    [TestCase("data")]
    [TestCase("switches")]
    [TestCase("constructors")]
    [TestCase("calls")]
    [TestCase("templates")]
    [TestCase("throws")]
    [TestCase("comdat")]
    [TestCase("narrow")]
    [TestCase("addends")]
    [TestCase("statics")]
    [TestCase("vectors")]
    [TestCase("tls")]
    public void RecordsTellWhatAnotherLinkerWrites(string name)
    {
        using var folder = new TemporaryFolder();
        LinkedImage image = Link(name, folder, out string[] objects);
        ImageExecutable other = OtherLinker.Link(image, objects, folder);
        Dictionary<string, ulong> symbols = other.Symbols
            .Where(symbol => symbol is { Binding: 1 or 2, Section: not 0, Type: not 6 })
            .ToDictionary(symbol => symbol.Name, symbol => symbol.Value);
        int compared = 0;

        using (Assert.EnterMultipleScope())
        {
            foreach (PatchRecord patch in image.Patches.Where(patch => patch is { Section: not ".eh_frame", Slot: null }))
            {
                ulong start = patch.Address - patch.Offset + patch.BytesOffset;
                byte[]? theirs = other.Read(start, (ulong)patch.After.Length);
                Assert.That(Convert.ToHexString(patch.After.Span), Is.EqualTo(Convert.ToHexString(theirs ?? [])), patch.ToString());
                if (patch is { IsStored: true, Rule.Field.Size: 4 or 8 })
                {
                    Assert.That(patch.Value, Is.EqualTo(Decode(theirs, patch)), patch.ToString());
                    compared++;
                }

                if (patch is { Symbol: { } symbol, Source: SymbolSource.OtherObject }
                    && patch.Rule.Expression is { UsesSymbol: true, IsThreadLocal: false }
                    && symbols.TryGetValue(symbol, out ulong address))
                {
                    Assert.That(patch.Operands.S, Is.EqualTo(address), patch.ToString());
                }
            }

            Assert.That(compared, Is.Positive);
        }
    }

    /// <summary>Addends as readelf prints them.</summary>
    [TestCase("addends")]
    [TestCase("tlsforms")]
    [TestCase("calls-crel")]
    public void AddendsAreThoseOfTheObject(string name)
    {
        using var folder = new TemporaryFolder();
        LinkedImage image = Link(name, folder, out string[] objects);
        HashSet<(string, int, ulong, string, long)> listed =
        [
            .. from path in objects
               from relocation in Relocations(path)
               select (Path.GetFileName(path), relocation.Section, relocation.Offset, relocation.Type, relocation.Addend),
        ];

        Assert.That(
            image.Patches.Select(patch =>
                (patch.Object, patch.SectionIndex, patch.Offset, patch.Relocation, patch.Operands.A)),
            Is.SubsetOf(listed));
    }

    /// <summary>What the records say is what the image holds, before the place and after it.</summary>
    [TestCaseSource(nameof(Programs))]
    public void TheImageHoldsWhatTheRecordsSay(string name)
    {
        using var folder = new TemporaryFolder();
        LinkedImage image = Link(name, folder, out _);

        using (Assert.EnterMultipleScope())
        {
            foreach (PatchRecord patch in image.Patches)
            {
                byte[] bytes = new byte[patch.After.Length];
                Assert.That(image.TryRead(patch.Address - patch.Offset + patch.BytesOffset, bytes), Is.True);
                Assert.That(bytes, Is.EqualTo(patch.After.ToArray()), patch.ToString());
                Assert.That(
                    image.Objects[patch.ObjectIndex].SectionBytes(patch.SectionIndex)
                        .Slice((int)patch.BytesOffset, patch.Before.Length).SequenceEqual(patch.Before.Span),
                    Is.True,
                    patch.ToString());
            }
        }
    }

    private static LinkedImage Link(string name, TemporaryFolder folder, out string[] objects)
    {
        var inputs = new InputFiles();
        string[] own = [.. Fixtures.Programs.Single(row => row.Name == name).Objects.Select(Fixtures.Object)];
        foreach (string path in own)
        {
            inputs.Add(path);
        }

        objects = [.. own, OtherLinker.AddOutside(inputs, folder)];
        return new ImageLinker(new ImageOptions { Entry = "main", RecordPatches = true }).Link(inputs);
    }

    private static long Decode(byte[]? bytes, PatchRecord patch)
    {
        ReadOnlySpan<byte> field = bytes.AsSpan((int)(patch.Offset - patch.BytesOffset));
        return patch.Rule.Field.Size is 8 ? BinaryPrimitives.ReadInt64LittleEndian(field)
            : patch.Value > int.MaxValue ? BinaryPrimitives.ReadUInt32LittleEndian(field)
            : BinaryPrimitives.ReadInt32LittleEndian(field);
    }

    private readonly record struct Listed(int Section, ulong Offset, string Type, long Addend);

    /// <summary>What readelf lists, without what patches no place.</summary>
    private static IEnumerable<Listed> Relocations(string path)
    {
        int section = 0;
        foreach (string line in Command.Check("llvm-readelf-19", ["-r", "--expand-relocs", path]).Split('\n'))
        {
            string[] fields = line.Split([' ', '\''], StringSplitOptions.RemoveEmptyEntries);
            if (fields is ["Relocation", "section", string name, ..])
            {
                section = TargetOf(path, name);
            }
            else if (fields.Length >= 3 && fields[2].StartsWith("R_X86_64_", StringComparison.Ordinal)
                && fields[2] is not ("R_X86_64_NONE" or "R_X86_64_GNU_VTINHERIT" or "R_X86_64_GNU_VTENTRY"))
            {
                yield return new Listed(section, Hex(fields[0]), fields[2], AddendOf(fields));
            }
        }
    }

    /// <summary>Number of the section that a section of relocations is for (sh_info).</summary>
    private static int TargetOf(string path, string name) =>
        (from line in Command.Check("readelf", ["-SW", path]).Split('\n')
         let fields = line.Replace("[ ", "[", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries)
         where fields.Length > 8 && fields[1] == name && fields[0].StartsWith('[')
         select int.Parse(fields[^2], CultureInfo.InvariantCulture)).First();

    /// <summary>The last part: <c>value symbol + addend</c>, or the addend alone where there is no symbol.</summary>
    private static long AddendOf(string[] fields) =>
        fields is [.., "+", string plus] ? (long)Hex(plus)
        : fields is [.., "-", string minus] ? -(long)Hex(minus)
        : fields.Length is 4 ? (long)Hex(fields[3])
        : 0;

    private static ulong Hex(string text) => ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
