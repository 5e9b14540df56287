using System.Runtime.InteropServices;
using ElfLoader.Elf;

namespace ElfLoader.Tools.Running;

/// <summary>Tells whether inputs are for another machine than this one, before they are read whole.</summary>
internal static class ForeignInputs
{
    private const int HeaderSize = 20; // of an ELF file, up to e_machine
    private const int DataField = 5; // of e_ident: EI_DATA
    private const int MachineField = 18;

    /// <summary>Whether the first object among the inputs is for ARM, and this process is not.</summary>
    internal static bool AreArm(IReadOnlyList<string> files, ReadLimits limits) =>
        RuntimeInformation.ProcessArchitecture is not Architecture.Arm
        && (FirstMachine(files.Select(Header)) ?? FirstMachine(Members(files, limits))) is ElfConstants.EM_ARM;

    private static int? FirstMachine(IEnumerable<byte[]> headers) =>
        headers.Where(header => FileKind.Detect(header) is FileKind.Object && header.Length >= HeaderSize)
            .Select(MachineOf)
            .Cast<int?>()
            .FirstOrDefault();

    private static int MachineOf(byte[] header) => header[DataField] == ElfConstants.ELFDATA2MSB
        ? (header[MachineField] << 8) | header[MachineField + 1]
        : header[MachineField] | (header[MachineField + 1] << 8);

    /// <summary>The first bytes of a file; none where it cannot be read, which whoever needs the rest will report.</summary>
    private static byte[] Header(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            byte[] bytes = new byte[HeaderSize];
            return bytes[..stream.ReadAtLeast(bytes, HeaderSize, throwOnEndOfStream: false)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return [];
        }
    }

    /// <summary>The first bytes of the members of archives, also of those that linker scripts name.</summary>
    private static IEnumerable<byte[]> Members(IReadOnlyList<string> files, ReadLimits limits)
    {
        var inputs = new InputFiles(limits);
        try
        {
            inputs.AddAll(files);
        }
        catch (LinkException)
        {
            return []; // whoever loads them will say the same
        }

        IEnumerable<ReadOnlyMemory<byte>> members = inputs.Objects.Select(elf => elf.Bytes)
            .Concat(inputs.Archives.SelectMany(archive => archive.Members).Select(member => member.Bytes));
        return members.Select(bytes => bytes[..Math.Min(bytes.Length, HeaderSize)].ToArray());
    }
}
