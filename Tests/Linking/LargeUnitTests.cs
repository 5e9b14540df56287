using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>Units so large that their sections are put together in a buffer, and copied from there.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LargeUnitTests
{
    private const int Objects = 4;
    private const int Sections = 120;
    private const byte Trap = 0xcc;

    [Test]
    public void EverySectionIsWhereItBelongsWithItsRelocations([Values] MemoryMapping mapping, [Values(1, 2, 3)] int seed)
    {
        var random = new Random(seed);
        List<(string Name, byte[] Bytes, bool IsCode)> all = [];
        List<ElfObject> objects = [];
        for (int i = 0; i < Objects; i++)
        {
            var elf = new ElfBuilder();
            int previous = 0;
            for (int k = 0; k < Sections; k++)
            {
                bool isCode = random.Next(2) is 0;
                byte[] bytes = new byte[random.Next(12, k is 50 ? 400_000 : 9000)];
                random.NextBytes(bytes);
                ulong alignment = 1UL << random.Next(7);
                string section = random.Next(10) is 0 ? "gathered" : isCode ? $".text.{k}" : $".rodata.{k}";
                if (section is "gathered")
                {
                    isCode = false;
                }

                int index = elf.AddSection(
                    section, SHT_PROGBITS, SHF_ALLOC | (isCode ? SHF_EXECINSTR : 0), bytes, alignment: alignment);
                string name = $"s{i}_{k}";
                int symbol = elf.AddSymbol(name, index, 0, (ulong)bytes.Length, type: SymbolType.Object);
                if (previous > 0)
                {
                    elf.AddRelocation(index, 4, 2, previous, 100); // R_X86_64_PC32
                }

                previous = symbol;
                all.Add((name, bytes, isCode));
            }

            _ = elf.AddSymbol("__start_gathered");
            objects.Add(LinkTest.Read(elf, $"{i}.o"));
        }

        using var library = new ObjectLibrary("large", new ObjectLibraryOptions { Mapping = mapping, RunCode = false });
        _ = library.Load(objects);

        List<(ulong Start, ulong End)> code = [];
        ulong before = 0;
        for (int i = 0; i < all.Count; i++)
        {
            (string name, byte[] bytes, bool isCode) = all[i];
            ulong address = library.Address(name);
            if (i % Sections > 0)
            {
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), (int)(before + 100 - (address + 4)));
            }

            before = address;
            Assert.That(NativeBytes.ReadOnlyAt(address, bytes.Length).SequenceEqual(bytes), name);
            if (isCode)
            {
                code.Add((address, address + (ulong)bytes.Length));
            }
        }

        code.Sort();
        foreach (((_, ulong end), (ulong start, _)) in code.Zip(code.Skip(1)))
        {
            Assert.That(NativeBytes.ReadOnlyAt(end, (int)(start - end)).ContainsAnyExcept(Trap), Is.False, $"0x{end:x}");
        }
    }
}
