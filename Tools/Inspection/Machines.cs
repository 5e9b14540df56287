using System.Globalization;
using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Inspection;

/// <summary>Names of machines and of their relocation types.</summary>
public static class Machines
{
    private static readonly Architecture[] Known = [X64.Instance, Arm.Default];

    /// <summary>What the loader knows of an object's machine; null if it cannot link for it.</summary>
    public static Architecture? ArchitectureOf(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        return Array.Find(
            Known, architecture => architecture.Machine == elf.Machine && architecture.AddressBits is 64 == elf.Is64Bit);
    }

    /// <summary>A machine's name, as link maps spell it; where they never have it, as messages do.</summary>
    public static string NameOf(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        return elf.Machine switch
        {
            ElfConstants.EM_X86_64 => elf.Is64Bit ? "x86_64" : "x32",
            ElfConstants.EM_ARM => "arm",
            ElfConstants.EM_386 => "i386",
            ElfConstants.EM_AARCH64 => "aarch64",
            ElfConstants.EM_RISCV => "riscv",
            _ => elf.MachineName,
        };
    }

    /// <summary>A relocation type's name, or its number where the machine's table is not here.</summary>
    public static string NameOf(ElfObject elf, uint relocation) =>
        ArchitectureOf(elf)?.Relocations[relocation]?.Name ?? relocation.ToString(CultureInfo.InvariantCulture);
}
