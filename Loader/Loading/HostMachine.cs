using System.Runtime.InteropServices;
using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using ElfLoader.Linking;
using Architecture = ElfLoader.Relocations.Architecture;
using HostArchitecture = System.Runtime.InteropServices.Architecture;

namespace ElfLoader.Loading;

/// <summary>The machine that this process runs on: the only one whose objects it can load.</summary>
internal static class HostMachine
{
    /// <summary>
    /// The machines that objects can be loaded on. Veneers are position-independent, as all that is laid out before it has an
    /// address.
    /// </summary>
    private static readonly (HostArchitecture Host, Architecture Value)[] Loadable =
    [
        (HostArchitecture.X64, X64.Instance),
        (HostArchitecture.Arm, new Arm(new ArmOptions { PositionIndependent = true })),
    ];

    /// <summary>Names of the machines that .NET runs on, where it has not that of the ELF machine.</summary>
    private static readonly (HostArchitecture Host, string Name)[] Names =
    [
        (HostArchitecture.X86, "i386"), (HostArchitecture.Arm64, "AArch64"), (HostArchitecture.S390x, "s390x"),
        (HostArchitecture.LoongArch64, "64-bit LoongArch"), (HostArchitecture.Armv6, "ARM"), (HostArchitecture.Ppc64le, "PowerPC64"),
        (HostArchitecture.RiscV64, "64-bit RISC-V"),
    ];

    private static readonly HostArchitecture Host = RuntimeInformation.ProcessArchitecture;

    private static readonly Architecture? Own = Find(Host);

    /// <summary>
    /// Its relocations. Where nothing can be loaded they are not used: <see cref="Check(ElfObject)"/> refuses all objects.
    /// </summary>
    internal static LinkRules Rules { get; } = new(Own ?? X64.Instance);

    /// <summary>The machine.</summary>
    internal static Architecture Architecture => Rules.Architecture;

    /// <summary>Its name for messages.</summary>
    internal static string Name { get; } = NameOf(Host);

    /// <summary>Refuses an object for another machine.</summary>
    /// <exception cref="LinkException">It is for another one, or objects cannot be loaded on this one.</exception>
    internal static void Check(ElfObject elf)
    {
        if (Own is not { } own || !IsFor(elf, own))
        {
            throw Refusal(elf, Host);
        }
    }

    /// <summary>Refuses an object that a process of some machine cannot load.</summary>
    /// <exception cref="LinkException">It cannot.</exception>
    internal static void Check(ElfObject elf, HostArchitecture host)
    {
        if (Find(host) is not { } own || !IsFor(elf, own))
        {
            throw Refusal(elf, host);
        }
    }

    private static bool IsFor(ElfObject elf, Architecture own) =>
        elf.Machine == own.Machine && elf.Is64Bit == (own.AddressBits is 64);

    private static LinkException Refusal(ElfObject elf, HostArchitecture host)
    {
        string here = Find(host) is null
            ? $"this process runs {NameOf(host)} code; objects can be loaded into processes of "
                + string.Join(" and ", Loadable.Select(row => NameOf(row.Host)))
            : $"this process runs {NameOf(host)} code only";
        return new LinkException(
            LinkErrorCode.Unsupported, new LinkLocation(elf.Name), $"the object is for {elf.MachineName}, and {here}");
    }

    private static Architecture? Find(HostArchitecture host) => Array.Find(Loadable, row => row.Host == host).Value;

    private static string NameOf(HostArchitecture host) => Find(host) is { } own
        ? ElfMachines.NameOf(own.Machine, own.AddressBits is 64)
        : Array.Find(Names, row => row.Host == host).Name ?? host.ToString();
}
