using ElfLoader.Elf;
using ElfLoader.Elf.Unwind;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>The sorted index of unwind tables.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class EhFrameIndexTests
{
    private const ulong IndexAddress = 0x40_0000;
    private const ulong TableAddress = 0x40_1000;

    /// <summary>"zR", code alignment 1, data alignment -8, return address 16, pcrel|sdata4.</summary>
    private static readonly byte[] Common =
        [0x14, 0, 0, 0, 0, 0, 0, 0, 1, (byte)'z', (byte)'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0];

    [Test]
    public void EntriesAreSortedAndDroppedFunctionsLeftOut()
    {
        byte[] table = [.. Common, .. Description(24, 0x5000), .. Description(48, null), .. Description(72, 0x3000), 0, 0, 0, 0];
        byte[] index = new byte[12 + (3 * 8)];

        bool isIndexed = EhFrameIndex.Write(index, IndexAddress, table, TableAddress, wordSize: 8);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(isIndexed, Is.True);
            Assert.That(Convert.ToHexStringLower(index.AsSpan(0, 4)), Is.EqualTo("011b033b"));
            Assert.That(BitConverter.ToInt32(index, 4), Is.EqualTo(0x1000 - 4));
            Assert.That(BitConverter.ToInt32(index, 8), Is.EqualTo(2));
            Assert.That(BitConverter.ToInt32(index, 12), Is.EqualTo(0x3000));
            Assert.That(BitConverter.ToInt32(index, 16), Is.EqualTo(0x1000 + 72));
            Assert.That(BitConverter.ToInt32(index, 20), Is.EqualTo(0x5000));
            Assert.That(BitConverter.ToInt32(index, 24), Is.EqualTo(0x1000 + 24));
        }
    }

    [TestCase(8, 0x30, TestName = "description without its common information")]
    [TestCase(10, (int)'Q', TestName = "unknown augmentation")]
    [TestCase(16, 0x2b, TestName = "relative to text")]
    [TestCase(16, 0x01, TestName = "variable length")]
    [TestCase(24, 0x7f, TestName = "length beyond the end")]
    public void WhatCannotBeReadIsNotIndexed(int offset, int value)
    {
        byte[] table = [.. Common, .. Description(24, 0x5000), 0, 0, 0, 0];
        if (offset is 8)
        {
            offset = 28;
        }

        table[offset] = (byte)value;
        byte[] index = new byte[20];

        bool isIndexed = EhFrameIndex.Write(index, IndexAddress, table, TableAddress, wordSize: 8);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(isIndexed, Is.False);
            Assert.That(Convert.ToHexStringLower(index.AsSpan(0, 4)), Is.EqualTo("011bffff"), "unwinders search the tables");
        }
    }

    /// <summary>Every function of real C++ is found, and those of the copies that lost are not.</summary>
    [TestCase("throws", "throws2", "throws3")]
    [TestCase("templates", "templates2")]
    [TestCase("throws-sections", "throws2-sections", "throws3-sections")]
    public void EveryFunctionOfRealCodeIsFound(params string[] names)
    {
        LinkedImage image = new ImageLinker(new ImageOptions { AllowUndefined = true }).Link(
            [.. names.Select(name => ElfObject.Read(File.ReadAllBytes(Fixtures.Object(name)), name + ".o"))]);
        ImageExecutable file = ImageExecutable.Of(image);
        ImageExecutable.Section section = file.Named(".eh_frame_hdr");
        byte[] index = file.Read(section.Address, section.Size)!;
        int count = BitConverter.ToInt32(index, 8);
        ulong[] functions =
            [.. Enumerable.Range(0, count).Select(i => section.Address + (ulong)BitConverter.ToInt32(index, 12 + (8 * i)))];
        ulong[] symbols = [.. file.Symbols // clang gives the one function that ends the program no description
            .Where(symbol => symbol.Type is 2 && symbol.Name is not "__clang_call_terminate")
            .Select(symbol => symbol.Value).Distinct().Order()];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(functions, Is.Ordered);
            Assert.That(functions, Is.SupersetOf(symbols));
            Assert.That(file.Segments.Single(segment => segment.Type is 0x6474_e550).Address, Is.EqualTo(section.Address));
        }
    }

    private static byte[] Description(int offset, uint? function)
    {
        byte[] record = new byte[24];
        record[0] = 20;
        BitConverter.TryWriteBytes(record.AsSpan(4), offset + 4); // back to the common information at 0
        BitConverter.TryWriteBytes(
            record.AsSpan(8), function is null ? 0 : (int)(IndexAddress + function.Value - (TableAddress + (ulong)offset + 8)));
        BitConverter.TryWriteBytes(record.AsSpan(12), 16);
        return record;
    }
}
