using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Images.Arm;

/// <summary>
/// Completes the index of an Arm image's unwind tables, <c>.ARM.exidx</c> (Exception Handling ABI for the Arm
/// Architecture, "The Exception Handling Index Table").
/// </summary>
/// <remarks>
/// The unwinder takes the last entry at or before an address, so code without an entry would be taken for the function
/// before it. Each section of code that no table describes is given an entry that says that it cannot be unwound, and so
/// is what comes after the last one.
/// </remarks>
internal sealed class ExidxTable
{
    /// <summary>Name of the section.</summary>
    internal const string Name = ".ARM.exidx";

    private const int EntrySize = 8;
    private const uint EXIDX_CANTUNWIND = 1;

    private readonly List<ImagePiece> _made = [];
    private readonly IReadOnlyList<ImageOutput> _outputs;

    private ExidxTable(IReadOnlyList<ImageOutput> outputs) => _outputs = outputs;

    /// <summary>Adds what is missing; null where the image has no such table, or no code that it could describe.</summary>
    internal static ExidxTable? Complete(IReadOnlyList<ImageOutput> outputs)
    {
        if (outputs.FirstOrDefault(output => output is { Name: Name, FixedAddress: null }) is not { } table)
        {
            return null;
        }

        table.Type = ElfConstants.SHT_ARM_EXIDX;
        if (!outputs.Any(IsCode))
        {
            return null;
        }

        HashSet<(LinkObject File, int Section)> described = [];
        foreach (ImageOutput output in outputs.Where(output => output.Name is Name))
        {
            foreach (ImagePiece piece in output.Pieces)
            {
                if (piece is { File: { } file, Section: > 0 })
                {
                    described.Add((file, (int)file.Elf.Sections[piece.Section].Link));
                }
            }
        }

        var completed = new ExidxTable(outputs);
        foreach (ImagePiece code in outputs.Where(IsCode).SelectMany(output => output.Pieces).ToArray())
        {
            if (code.Size > 0 && (code.File is not { } file || !described.Contains((file, code.Section))))
            {
                completed.Add(table, () => code.Address);
            }
        }

        completed.Add(table, completed.EndOfCode);
        return completed;
    }

    /// <summary>Writes the added entries.</summary>
    internal void Write()
    {
        foreach (ImagePiece piece in _made)
        {
            const uint prel31 = 0x7fff_ffff;
            uint distance = unchecked((uint)(piece.Describes!() - piece.Address)) & prel31;
            BinaryPrimitives.WriteUInt32LittleEndian(piece.Bytes.Span, distance);
            BinaryPrimitives.WriteUInt32LittleEndian(piece.Bytes.Span[sizeof(uint)..], EXIDX_CANTUNWIND);
        }
    }

    private static bool IsCode(ImageOutput output) => (output.Flags & ElfConstants.SHF_EXECINSTR) != 0;

    private ulong EndOfCode() => _outputs.Where(IsCode).Max(output => output.End);

    private void Add(ImageOutput table, Func<ulong> describes)
    {
        var piece = new ImagePiece
        {
            Size = EntrySize,
            Alignment = sizeof(uint),
            Bytes = new byte[EntrySize],
            Describes = describes,
        };
        table.Add(piece);
        _made.Add(piece);
    }
}
