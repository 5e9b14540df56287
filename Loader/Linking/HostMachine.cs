using System.Runtime.InteropServices;
using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using HostArchitecture = System.Runtime.InteropServices.Architecture;

namespace ElfLoader.Linking;

/// <summary>The machine that this process runs on: the only one whose objects it can load.</summary>
internal static class HostMachine
{
    /// <summary>Its relocations. Veneers are position-independent, as all that is laid out before it has an address.</summary>
    internal static LinkRules Rules { get; } = new(RuntimeInformation.ProcessArchitecture is HostArchitecture.Arm
        ? new Arm(new ArmOptions { PositionIndependent = true })
        : X64.Instance);

    /// <summary>The machine.</summary>
    internal static ElfLoader.Relocations.Architecture Architecture => Rules.Architecture;

    /// <summary>Refuses an object for another machine.</summary>
    /// <exception cref="LinkException">It is for another one.</exception>
    internal static void Check(ElfObject elf)
    {
        if (elf.Machine != Rules.Architecture.Machine || elf.Is64Bit != (Rules.Architecture.AddressBits is 64))
        {
            throw new LinkException(
                LinkErrorCode.Unsupported,
                new LinkLocation(elf.Name),
                $"the object is for e_machine {elf.Machine} ({(elf.Is64Bit ? "64" : "32")}-bit), "
                + $"and this process runs {Rules.Architecture.Name} code only");
        }
    }
}
