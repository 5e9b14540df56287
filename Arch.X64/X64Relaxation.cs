using ElfLoader.Relocations;

namespace ElfLoader.Arch.X64;

internal static class X64Relaxation
{
    public static Relaxation TryRelax(
        RelocationRule rule,
        Span<byte> section,
        int offset,
        in Operands operands,
        RelaxationTraits traits,
        RelocationRule? following,
        int followingOffset) => Relaxation.Declined;
}
