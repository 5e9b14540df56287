using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>What of an object goes into an image though it is no part of the program.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ImageNotesTests
{
    private const uint R_X86_64_64 = 1;
    private const uint R_X86_64_32 = 10;

    /// <summary>IBT is 1 and SHSTK 2; what one object does not promise does not hold for the image.</summary>
    [TestCase(3u, 3u, 3u)]
    [TestCase(3u, 1u, 1u)]
    [TestCase(1u, 2u, null)]
    [TestCase(3u, null, null)]
    public void PropertiesHoldThatAllObjectsPromise(uint? first, uint? second, uint? expected)
    {
        ImageExecutable file = ImageExecutable.Of(new ImageLinker().Link([WithProperty(first), WithProperty(second)]));
        ImageExecutable.Section? note = file.Sections.Where(section => section.Name is ".note.gnu.property")
            .Cast<ImageExecutable.Section?>().SingleOrDefault();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(note is null, Is.EqualTo(expected is null));
            Assert.That(file.Segments.Count(segment => segment.Type is PT_GNU_PROPERTY), Is.EqualTo(expected is null ? 0 : 1));
            if (note is { } section)
            {
                Assert.That(file.Read(section.Address, section.Size), Is.EqualTo(Property(expected!.Value)));
            }
        }
    }

    /// <summary>
    /// References of debugging information to functions that were dropped are 0, but 1 in lists that 0 would end; those to
    /// other debugging information count from its start in the image.
    /// </summary>
    [Test]
    public void DebuggingInformationKnowsWhatWasDropped()
    {
        ElfObject[] objects = [WithDebuggingInformation("a.o"), WithDebuggingInformation("b.o")];
        using var stream = new MemoryStream();
        LinkedImage image = new ImageLinker().Link(objects);
        image.WriteExecutable(stream);
        byte[] bytes = stream.ToArray();
        var file = new ImageExecutable(bytes);
        ulong function = image.Sections.Single(section => section.Section is ".text.f").Address;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Words(".debug_info"), Is.EqualTo((ulong[])[function + 2, 3, 0, 3 + 16]));
            Assert.That(Words(".debug_ranges"), Is.EqualTo((ulong[])[function + 2, 1]));
            Assert.That(file.Sections.Where(section => section.Name.StartsWith(".debug", StringComparison.Ordinal))
                .Select(section => (section.Address, section.Flags)), Has.All.EqualTo((0UL, 0UL)));
        }

        ulong[] Words(string name)
        {
            ImageExecutable.Section section = file.Named(name);
            return [.. Enumerable.Range(0, (int)section.Size / 8)
                .Select(i => BitConverter.ToUInt64(bytes, (int)section.Offset + (8 * i)))];
        }
    }

    private static ElfObject WithDebuggingInformation(string name)
    {
        ElfBuilder builder = new();
        int text = builder.AddCode(".text.f", 0x90, 0x90, 0xc3);
        int strings = builder.AddSection(".debug_str", flags: 0, bytes: new byte[16]);
        int information = builder.AddSection(".debug_info", flags: 0, bytes: new byte[16], alignment: 8);
        int ranges = builder.AddSection(".debug_ranges", flags: 0, bytes: new byte[8]);
        int function = builder.AddSymbol("", text, binding: SymbolBinding.Local, type: SymbolType.Section);
        int text2 = builder.AddSymbol("", strings, binding: SymbolBinding.Local, type: SymbolType.Section);
        int signature = builder.AddSymbol("f", text, binding: SymbolBinding.Weak, type: SymbolType.Function);
        builder.AddRelocation(information, 0, R_X86_64_64, function, addend: 2);
        builder.AddRelocation(information, 8, R_X86_64_32, text2, addend: 3);
        builder.AddRelocation(ranges, 0, R_X86_64_64, function, addend: 2);
        builder.AddGroup(signature, isComdat: true, text);
        return ElfObject.Read(builder.Build(), name);
    }

    private static ElfObject WithProperty(uint? features)
    {
        ElfBuilder builder = new();
        builder.AddCode(".text", 0xc3);
        if (features is { } value)
        {
            builder.AddSection(".note.gnu.property", SHT_NOTE, SHF_ALLOC, Property(value), alignment: 8);
        }

        return ElfObject.Read(builder.Build(), "a.o");
    }

    private static byte[] Property(uint features) =>
    [
        4, 0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0, (byte)'G', (byte)'N', (byte)'U', 0,
        0x02, 0, 0, 0xc0, 4, 0, 0, 0, (byte)features, 0, 0, 0, 0, 0, 0, 0,
    ];
}
