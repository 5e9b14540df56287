using System.Buffers.Binary;
using ElfLoader.Elf;
using Gee.External.Capstone;
using Gee.External.Capstone.Arm;

namespace ElfLoader.Inspection;

/// <summary>Disassembles ARM code; mapping symbols tell which bytes are A32 or T32 instructions, and which data.</summary>
internal sealed class ArmListing(ElfObject elf, CodeAnnotations annotations) : IDisposable
{
    private readonly ArmOperandNames _names = new(annotations);
    private readonly List<CodeLine> _lines = [];
    private CapstoneArmDisassembler? _arm;
    private CapstoneArmDisassembler? _thumb;

    /// <summary>The lines of a section.</summary>
    /// <param name="elf">The object that it is of.</param>
    /// <param name="annotations">What to say beside the instructions.</param>
    /// <param name="code">The bytes.</param>
    /// <param name="start">Address of the first: lines are located by addresses.</param>
    /// <exception cref="LinkException">The disassembler's native library is not there.</exception>
    internal static IEnumerable<CodeLine> Lines(
        ElfObject elf, CodeAnnotations annotations, ReadOnlyMemory<byte> code, ulong start = 0)
    {
        using var listing = new ArmListing(elf, annotations);
        listing.Add(code, start);
        return listing._lines;
    }

    /// <summary>Gives the native disassemblers back.</summary>
    public void Dispose()
    {
        _arm?.Dispose();
        _thumb?.Dispose();
    }

    private void Add(ReadOnlyMemory<byte> code, ulong start)
    {
        ulong end = start + (ulong)code.Length;
        ulong from = start;
        MappingKind kind = MappingKind.Arm; // what code without mapping symbols is
        foreach ((ulong address, MappingKind next) in annotations.Mappings())
        {
            ulong to = Math.Clamp(address, from, end);
            AddRange(code[(int)(from - start)..(int)(to - start)], from, kind);
            (from, kind) = (to, next);
        }

        AddRange(code[(int)(from - start)..], from, kind);
    }

    private void AddRange(ReadOnlyMemory<byte> range, ulong start, MappingKind kind)
    {
        if (range.IsEmpty)
        {
            return;
        }

        if (kind is MappingKind.Data)
        {
            AddData(range, start);
            return;
        }

        int done = 0;
        foreach (ArmInstruction instruction in Disassembler(kind is MappingKind.Thumb).Disassemble(range.ToArray(), (long)start))
        {
            int size = instruction.Bytes.Length;
            done = (int)((ulong)instruction.Address - start);
            ReadOnlyMemory<byte> bytes = range.Slice(done, size);
            done += size;
            ulong address = (ulong)instruction.Address;
            Add(address, bytes, _names.Name(instruction.Mnemonic, instruction.Operand ?? "", address, size));
        }

        if (done < range.Length)
        {
            AddData(range[done..], start + (ulong)done);
        }
    }

    private CapstoneArmDisassembler Disassembler(bool isThumb)
    {
        ref CapstoneArmDisassembler? disassembler = ref (isThumb ? ref _thumb : ref _arm);
        try
        {
            disassembler ??= CapstoneDisassembler.CreateArmDisassembler(
                (isThumb ? ArmDisassembleMode.Thumb : ArmDisassembleMode.Arm)
                | (IsMicrocontroller ? ArmDisassembleMode.CortexM : ArmDisassembleMode.V8));
            disassembler.EnableSkipDataMode = true;
            return disassembler;
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException or TypeInitializationException)
        {
            throw new LinkException(
                exception,
                [new LinkError(LinkErrorCode.Unsupported, new LinkLocation(elf.Name), $"no disassembler: {exception.Message}")]);
        }
    }

    /// <summary>Whether special registers have the names of processors of the M profile.</summary>
    private bool IsMicrocontroller =>
        elf.Attributes?.TryGetNumber(BuildAttributes.Tag_CPU_arch_profile, out ulong profile) is true && profile is 'M';

    private void AddData(ReadOnlyMemory<byte> data, ulong start)
    {
        for (int i = 0; i < data.Length;)
        {
            ulong address = start + (ulong)i;
            int size = data.Length - i >= sizeof(uint) && address % sizeof(uint) is 0 ? sizeof(uint) : 1;
            ReadOnlyMemory<byte> bytes = data.Slice(i, size);
            Add(
                address,
                bytes,
                size is sizeof(uint)
                    ? _names.NameWord(BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span), address)
                    : $".byte 0x{bytes.Span[0]:x2}");
            i += size;
        }
    }

    private void Add(ulong address, ReadOnlyMemory<byte> bytes, string text) => _lines.Add(new CodeLine(
        address, bytes, text, annotations.DescribeAll(address, bytes.Length), annotations.LabelsAt(address)));
}
