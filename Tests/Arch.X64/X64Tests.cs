using ElfLoader.Arch.X64;
using ElfLoader.Relocations;

namespace ElfLoader.Tests.Arch.X64;

/// <summary>Stubs, and what counts as a branch.</summary>
public sealed class X64Tests
{
    private static readonly Architecture Machine = ElfLoader.Arch.X64.X64.Instance;

    // endbr64; jmp *disp32(%rip): the displacement counts from byte 10.
    [TestCase(0x1000UL, 0x2000UL, "f60f0000")]
    [TestCase(0x2000UL, 0x1000UL, "f6efffff")]
    [TestCase(0x7fff_0000_0000UL, 0x7fff_8000_0009UL, "ffffff7f")]
    [TestCase(0x7fff_8000_0000UL, 0x7fff_0000_000aUL, "00000080")]
    public void StubJumpsThroughItsSlot(ulong address, ulong slot, string displacement)
    {
        byte[] stub = new byte[Machine.Stub.Size];

        Assert.That(Machine.TryWriteStub(Machine.Stub, stub, address, slot), Is.True);
        Assert.That(Convert.ToHexStringLower(stub), Is.EqualTo($"f30f1efaff25{displacement}cccccccccccc"));
    }

    [TestCase(0x7fff_0000_0000UL, 0x7fff_8000_000aUL)]
    [TestCase(0x7fff_8000_0000UL, 0x7fff_0000_0009UL)]
    public void StubOutOfReachIsNotWritten(ulong address, ulong slot)
    {
        byte[] stub = new byte[Machine.Stub.Size];

        Assert.That(Machine.TryWriteStub(Machine.Stub, stub, address, slot), Is.False);
        Assert.That(stub, Is.All.Zero);
    }

    [TestCase(X64Relocations.R_X86_64_PC32, "e800000000", 1, true, Description = "call")]
    [TestCase(X64Relocations.R_X86_64_PC32, "e900000000", 1, true, Description = "jmp")]
    [TestCase(X64Relocations.R_X86_64_PC32, "0f8400000000", 2, true, Description = "je")]
    [TestCase(X64Relocations.R_X86_64_PC32, "666648e800000000", 4, true, Description = "padded call")]
    [TestCase(X64Relocations.R_X86_64_PC32, "67e800000000", 2, true, Description = "addr32 call")]
    [TestCase(X64Relocations.R_X86_64_PC32, "f2e900000000", 2, true, Description = "bnd jmp")]
    [TestCase(X64Relocations.R_X86_64_PC32_BND, "f2e800000000", 2, true)]
    [TestCase(X64Relocations.R_X86_64_PC32, "488d0500000000", 3, false, Description = "lea")]
    [TestCase(X64Relocations.R_X86_64_PC32, "4881e800000000", 3, false, Description = "sub $imm, %rax")]
    [TestCase(X64Relocations.R_X86_64_PC32, "69e900000000", 2, false, Description = "imul $imm, %ecx, %ebp")]
    [TestCase(X64Relocations.R_X86_64_PC32, "8400000000", 1, false)]
    [TestCase(X64Relocations.R_X86_64_PC32, "00000000", 0, false, Description = "data")]
    [TestCase(X64Relocations.R_X86_64_PLT32, "00000000", 0, true)]
    [TestCase(X64Relocations.R_X86_64_64, "e80000000000000000", 1, false)]
    public void BranchesAreTold(uint type, string code, int offset, bool expected)
    {
        RelocationRule rule = Machine.Relocations[type]!;
        Assert.That(Machine.IsBranchPlace(rule, Convert.FromHexString(code), offset), Is.EqualTo(expected));
    }
}
