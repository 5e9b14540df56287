using System.Buffers.Binary;
using ElfLoader.Elf;
using Gee.External.Capstone;
using Gee.External.Capstone.Arm;

namespace ElfLoader.Inspection;

/// <summary>Disassembles ARM code; mapping symbols tell which bytes are A32 or T32 instructions, and which data.</summary>
internal sealed class ArmListing(ElfObject elf, SectionAnnotations annotations)
{
    /// <summary>The lines.</summary>
    /// <exception cref="LinkException">The disassembler's native library is not there.</exception>
    internal IEnumerable<CodeLine> Lines(ReadOnlyMemory<byte> code)
    {
        List<CodeLine> lines = [];
        ulong start = 0;
        MappingKind kind = MappingKind.Arm; // what code without mapping symbols is
        foreach ((ulong offset, MappingKind next) in annotations.Mappings())
        {
            AddRange(lines, code, start, Math.Min(offset, (ulong)code.Length), kind);
            (start, kind) = (Math.Max(start, offset), next);
        }

        AddRange(lines, code, start, (ulong)code.Length, kind);
        return lines;
    }

    private void AddRange(List<CodeLine> lines, ReadOnlyMemory<byte> code, ulong start, ulong end, MappingKind kind)
    {
        if (start >= end)
        {
            return;
        }

        ReadOnlyMemory<byte> range = code[(int)start..(int)end];
        if (kind is MappingKind.Data)
        {
            AddData(lines, range, start);
            return;
        }

        int done = 0;
        foreach (ArmInstruction instruction in Disassemble(range, start, kind is MappingKind.Thumb))
        {
            ulong offset = (ulong)instruction.Address;
            done = (int)(offset - start) + instruction.Bytes.Length;
            Add(lines, offset, instruction.Bytes, $"{instruction.Mnemonic} {instruction.Operand}".TrimEnd());
        }

        if (done < range.Length)
        {
            AddData(lines, range[done..], start + (ulong)done);
        }
    }

    private ArmInstruction[] Disassemble(ReadOnlyMemory<byte> range, ulong start, bool isThumb)
    {
        try
        {
            using CapstoneArmDisassembler disassembler = CapstoneDisassembler.CreateArmDisassembler(
                isThumb ? ArmDisassembleMode.Thumb : ArmDisassembleMode.Arm);
            disassembler.EnableSkipDataMode = true;
            return disassembler.Disassemble(range.ToArray(), (long)start);
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException or TypeInitializationException)
        {
            throw new LinkException(
                exception,
                [new LinkError(LinkErrorCode.Unsupported, new LinkLocation(elf.Name), $"no disassembler: {exception.Message}")]);
        }
    }

    private void AddData(List<CodeLine> lines, ReadOnlyMemory<byte> data, ulong start)
    {
        for (int i = 0; i < data.Length;)
        {
            int size = data.Length - i >= 4 && (start + (ulong)i) % 4 is 0 ? 4 : 1;
            ReadOnlyMemory<byte> bytes = data.Slice(i, size);
            Add(
                lines,
                start + (ulong)i,
                bytes,
                size is 4 ? $".word 0x{BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span):x8}" : $".byte 0x{bytes.Span[0]:x2}");
            i += size;
        }
    }

    private void Add(List<CodeLine> lines, ulong offset, ReadOnlyMemory<byte> bytes, string text)
    {
        List<string> relocations = [];
        foreach (ref readonly RelocationRecord relocation in annotations.RelocationsIn(offset, bytes.Length))
        {
            relocations.Add(annotations.Describe(relocation));
        }

        lines.Add(new CodeLine(offset, bytes, text, relocations, annotations.LabelsAt(offset)));
    }
}
