using ElfLoader.Inspection.Operands;

namespace ElfLoader.Inspection.Checks;

/// <summary>What expressions speak of: an image. Every member throws <see cref="CheckException"/> for what is not there.</summary>
internal interface ICheckTarget
{
    /// <summary>The address of a symbol, without the bit that tells Thumb code.</summary>
    ulong SymbolAddress(string name);

    /// <summary>The address of a section.</summary>
    /// <param name="file">Name of its object.</param>
    /// <param name="section">Its name.</param>
    /// <param name="isInsideLoad">
    /// Whether its bytes are to be read. A section that is not part of the program's memory can be, but has address 0.
    /// </param>
    ulong SectionAddress(string file, string section, bool isInsideLoad);

    /// <summary>The address of the stub through which an object reaches a symbol.</summary>
    /// <param name="container">Name of the object; llvm-rtdyld's tests add the section of the call, after a slash.</param>
    /// <param name="symbol">The symbol.</param>
    /// <param name="kind">A regular expression for its kind, or null.</param>
    ulong StubAddress(string container, string symbol, string? kind);

    /// <summary>The address of a symbol's slot in an object's global offset table.</summary>
    ulong GotAddress(string container, string symbol);

    /// <summary>Bytes of the image as a number, zero-extended.</summary>
    ulong Load(ulong address, int size);

    /// <summary>The instruction at a symbol.</summary>
    /// <param name="symbol">The symbol.</param>
    /// <param name="distance">Bytes from it.</param>
    PlacedInstruction Decode(string symbol, long distance);
}

/// <summary>An instruction and where it is.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Instruction">What it is.</param>
/// <param name="Lead">How much farther than its end PC is when it runs: 4 in Arm code, as LLVM counts it, else 0.</param>
internal readonly record struct PlacedInstruction(ulong Address, DecodedInstruction Instruction, int Lead);
