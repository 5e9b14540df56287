using System.Runtime.InteropServices;
using ElfLoader.Elf;

namespace ElfLoader.Tools.Running;

/// <summary>Tells whether inputs are for another machine than this one.</summary>
internal static class ForeignInputs
{
    private const int HeaderSize = 20; // of an ELF file, up to e_machine
    private const int DataField = 5; // of e_ident: EI_DATA
    private const int MachineField = 18;

    /// <summary>
    /// Whether the first object among the inputs, or of archives' members where there is none, is for ARM, and this process is
    /// not.
    /// </summary>
    internal static bool AreArm(InputFiles inputs) =>
        RuntimeInformation.ProcessArchitecture is not Architecture.Arm
        && (inputs.Objects is [var first, ..] ? first.Machine : MemberMachine(inputs.Archives)) is ElfConstants.EM_ARM;

    /// <summary>The machine of the first member that is an object; members are told by their first bytes.</summary>
    private static int? MemberMachine(IReadOnlyList<Archive> archives)
    {
        foreach (ArchiveMember member in archives.SelectMany(archive => archive.Members))
        {
            ReadOnlySpan<byte> bytes = member.Bytes.Span;
            if (bytes.Length >= HeaderSize && FileKind.Detect(bytes) is FileKind.Object)
            {
                return bytes[DataField] == ElfConstants.ELFDATA2MSB
                    ? (bytes[MachineField] << 8) | bytes[MachineField + 1]
                    : bytes[MachineField] | (bytes[MachineField + 1] << 8);
            }
        }

        return null;
    }
}
