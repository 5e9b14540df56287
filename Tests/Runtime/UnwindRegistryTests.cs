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
        UnwindRegistration registration = registry.Register(frame);
        Assert.That(FindEntry(code), Is.EqualTo(frame + 0x18));
        UnwindRegistry.Deregister(registration);
        Assert.That(FindEntry(code), Is.Zero);
    }

    private static ulong FindEntry(ulong address)
    {
        ulong library = DynamicLinker.Open("libgcc_s.so.1", out _);
        ulong bases = HostProcess.Data();
        return NativeCall.Call(DynamicLinker.Find(library, "_Unwind_Find_FDE"u8), address, bases);
    }
}
