using System.Buffers.Binary;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Tests.Runtime;

public sealed class UnwindRegistryTests
{
    // push %rbp; .cfi_def_cfa_offset 16; .cfi_offset %rbp,-16; pop %rbp; ret: .text and .eh_frame by as, ended by a
    // zero word
    private const string Code = "555dc3";
    private const string Frame = "1400000000000000017a5200017810011b0c070890010000"
        + "140000001c000000000000000300000000410e108602000000000000";

    private const int PlaceOfStart = 0x20;

    [Test]
    public void UnwinderFindsWhatIsRegisteredAndForgetsWhatIsNot()
    {
        const int Distance = 64;
        byte[] bytes = Convert.FromHexString(Frame);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(PlaceOfStart), -(Distance + PlaceOfStart));
        ulong code = HostProcess.Code(Code.PadRight(2 * Distance, '0') + Convert.ToHexString(bytes));
        ulong frame = code + Distance;
        UnwindRegistry registry = HostRuntime.Instance.Unwind;

        Assert.That(FindEntry(code), Is.Zero);
        UnwindRegistration registration = registry.Register(frame, code);
        Assert.That(FindEntry(code), Is.EqualTo(frame + 0x18));
        registry.Deregister(registration);
        Assert.That(FindEntry(code), Is.Zero);
    }

    /// <summary>Many tables, which come and go in any order, make few entries in the unwinder's list.</summary>
    [Test]
    public void ManyTablesAreFewSets()
    {
        const int Distance = 64;
        const int Count = 1000;
        byte[] bytes = Convert.FromHexString(Frame);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(PlaceOfStart), -(Distance + PlaceOfStart));
        string unit = (Code.PadRight(2 * Distance, '0') + Convert.ToHexString(bytes)).PadRight(4 * Distance, '0');
        ulong code = HostProcess.Code(string.Concat(Enumerable.Repeat(unit, Count)));
        ulong[] functions = [.. Enumerable.Range(0, Count).Select(i => code + (ulong)(i * 2 * Distance))];
        var registry = new UnwindRegistry();
        var registered = new UnwindRegistration?[Count];
        var random = new Random(1);
        int[] order = [.. Enumerable.Range(0, Count)];
        random.Shuffle(order);

        for (int round = 0; round < 3 * Count; round++)
        {
            int i = round < Count ? order[round] : random.Next(Count);
            if (registered[i] is { } registration)
            {
                registry.Deregister(registration);
                registered[i] = null;
            }
            else
            {
                registered[i] = registry.Register(functions[i] + Distance, functions[i]);
            }

            Assert.That(registry.SetCount, Is.LessThanOrEqualTo((Count / 100) + UnwindRegistry.MostSingles));
            if (round % 500 is 0 || round is 3 * Count - 1)
            {
                for (int k = 0; k < Count; k++)
                {
                    Assert.That(
                        FindEntry(functions[k]), Is.EqualTo(registered[k] is null ? 0 : functions[k] + Distance + 0x18));
                }
            }
        }

        foreach (UnwindRegistration registration in registered.OfType<UnwindRegistration>())
        {
            registry.Deregister(registration);
        }

        Assert.That(registry.SetCount, Is.Zero);
        Assert.That(functions.Select(FindEntry), Is.All.Zero);
    }

    private static ulong FindEntry(ulong address)
    {
        ulong library = DynamicLinker.Open("libgcc_s.so.1", out _);
        ulong bases = HostProcess.Data();
        return NativeCall.Call(DynamicLinker.Find(library, "_Unwind_Find_FDE"u8), address, bases);
    }
}
