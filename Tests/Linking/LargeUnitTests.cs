using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Loading;
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
    public void EverySectionIsWhereItBelongsWithItsRelocations(
        [Values] MemoryMapping mapping, [Values(1, 2, 3)] int seed, [Values(0, 10)] int moreSymbols)
    {
        var random = new Random(seed);
        List<(string Name, byte[] Bytes, bool IsCode)> all = [];
        List<ElfObject> objects = [];
        for (int i = 0; i < Objects; i++)
        {
            var elf = new ElfBuilder();
            var sections = new (int Index, int Symbol, byte[] Bytes, bool IsCode)[Sections];
            for (int k = 0; k < Sections; k++)
            {
                bool isCode = random.Next(2) is 0;
                byte[] bytes = new byte[random.Next(12, k is 50 or 80 ? 400_000 : 9000)];
                random.NextBytes(bytes);
                ulong alignment = 1UL << random.Next(7);
                string section = random.Next(10) is 0 ? "gathered" : isCode ? $".text.{k}" : $".rodata.{k}";
                isCode &= section is not "gathered";
                int index = elf.AddSection(
                    section, SHT_PROGBITS, SHF_ALLOC | (isCode ? SHF_EXECINSTR : 0), bytes, alignment: alignment);
                int local = elf.AddSymbol("", index, binding: SymbolBinding.Local, type: SymbolType.Section);
                sections[k] = (index, local, bytes, isCode);
            }

            int previous = 0;
            for (int k = 0; k < Sections; k++)
            {
                (int index, int local, byte[] bytes, bool isCode) = sections[k];
                string name = $"s{i}_{k}";
                int symbol = elf.AddSymbol(name, index, 0, (ulong)bytes.Length, type: SymbolType.Object);
                for (int more = 0; more < moreSymbols; more++)
                {
                    // So many of all objects together that they are not bound all at once.
                    _ = elf.AddSymbol($"{name}_{more}", index, (ulong)more, binding: SymbolBinding.Weak);
                }

                if (previous > 0 && k is not 80)
                {
                    elf.AddRelocation(index, 4, 2, previous, 100); // R_X86_64_PC32
                }

                previous = k % 2 is 0 ? symbol : local;
                all.Add((name, bytes, isCode));
            }

            _ = elf.AddSymbol("__start_gathered");
            objects.Add(LinkTest.Read(elf, $"{i}.o"));
        }

        using var library = new ObjectLibrary("large", new ObjectLibraryOptions { Mapping = mapping, RunCode = false });
        LoadedUnit unit = library.Load(objects);
        Dictionary<string, ulong> map = new UnitMap(unit).Symbols().ToDictionary(symbol => symbol.Name, symbol => symbol.Address);

        List<(ulong Start, ulong End)> code = [];
        ulong before = 0;
        for (int i = 0; i < all.Count; i++)
        {
            (string name, byte[] bytes, bool isCode) = all[i];
            ulong address = library.Address(name);
            Assert.That(map[name], Is.EqualTo(address));
            for (int more = 0; more < moreSymbols; more++)
            {
                Assert.That(map[$"{name}_{more}"], Is.EqualTo(address + (ulong)more));
            }

            if (i % Sections is > 0 and not 80)
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
