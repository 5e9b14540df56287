using static ElfLoader.Inspection.Operands.MachineOperand;

namespace ElfLoader.Inspection.Operands;

/// <summary>
/// Loads and stores of vectors and of structures of one to four elements (Arm Architecture Reference Manual, "Advanced
/// SIMD element or structure load/store"), in A32 encoding: the operands that LLVM gives them.
/// </summary>
internal sealed class VectorStructures
{
    private const uint NoChange = 15;
    private const uint BySize = 13;

    private readonly List<MachineOperand> _operands = [];
    private readonly uint _code;

    private VectorStructures(uint code) => _code = code;

    private bool IsLoad => Bits(21, 21) is 1;

    private uint Index => Bits(3, 0);

    /// <summary>The operands of a word whose highest bits are 1111 0100 and bit 20 is clear.</summary>
    internal static List<MachineOperand> Of(uint code)
    {
        var structures = new VectorStructures(code);
        if (structures.Bits(23, 23) is 0)
        {
            structures.AddWhole();
        }
        else if (structures.Bits(11, 10) is 3)
        {
            structures.AddCopied();
        }
        else
        {
            structures.AddLane();
        }

        ArmOperandWords.Add(structures._operands, "al", code, isThumb: false);
        return structures._operands;
    }

    private void AddWhole()
    {
        (int count, bool isOne) = Bits(11, 8) switch
        {
            0b0000 or 0b0001 => (4, false),
            0b0100 or 0b0101 => (3, false),
            _ => (1, true), // one register of several sizes stands for the list
        };
        int alignment = Bits(5, 4) is 0 ? 0 : 4 << (int)Bits(5, 4);
        AddAll(count, isOne, alignment, sources: 0, lane: null);
    }

    /// <summary>One element, to all places of each register.</summary>
    private void AddCopied()
    {
        int elements = (int)Bits(9, 8) + 1;
        int size = (int)Bits(7, 6);
        int alignment = (elements, Bits(4, 4)) switch
        {
            (3, _) or (_, 0) => 0,
            (4, _) => size switch { 0 => 4, 3 => 16, _ => 8 },
            _ => elements << size,
        };
        if (elements is 1) // its base register is a register where it changes
        {
            AddRegisters(Index is NoChange ? 2 : 3);
            _operands.Add(Immediate(alignment, "alignment"));
            AddRegisters(Index is NoChange or BySize ? 0 : 1);
            return;
        }

        AddAll(elements is 2 ? 1 : elements, elements is 2, alignment, sources: 0, lane: null);
    }

    /// <summary>One element of each register.</summary>
    private void AddLane()
    {
        int elements = (int)Bits(9, 8) + 1;
        int size = (int)Bits(11, 10);
        uint lane = Bits(7, 5 + size);
        int alignment = (elements, size) switch
        {
            (1, 0) or (3, _) => 0,
            (1, 1) => Bits(4, 4) is 0 ? 0 : 2,
            (1, _) => Bits(5, 4) is 0 ? 0 : 4,
            (4, 2) => Bits(5, 4) is 0 ? 0 : 4 << (int)Bits(5, 4),
            _ => Bits(4, 4) is 0 ? 0 : elements << size,
        };
        AddAll(elements, isOne: false, alignment, sources: elements, lane);
    }

    private void AddAll(int count, bool isOne, int alignment, int sources, uint? lane)
    {
        bool isChanged = Index is not NoChange;
        AddRegisters(IsLoad ? count : 0);
        if (isChanged && isOne)
        {
            _operands.Add(Immediate(0, "written")); // LLVM's decoder puts a number where the base register would be
        }
        else if (isChanged)
        {
            _operands.Add(Register("written"));
        }

        _operands.Add(Register("base"));
        _operands.Add(Immediate(alignment, "alignment"));
        if (isChanged && (!isOne || Index is not BySize))
        {
            _operands.Add(Register("index"));
        }

        AddRegisters(IsLoad ? sources : count);
        if (lane is { } number)
        {
            _operands.Add(Immediate(number, "element"));
        }
    }

    private void AddRegisters(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _operands.Add(Register());
        }
    }

    private uint Bits(int high, int low) => (_code >> low) & (uint)((1UL << (high - low + 1)) - 1);
}
