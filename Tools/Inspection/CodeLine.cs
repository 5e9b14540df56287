namespace ElfLoader.Inspection;

/// <summary>One instruction, or a run of data among instructions.</summary>
/// <param name="Offset">Bytes from the start of the section; in a listing of linked code, the address.</param>
/// <param name="Bytes">Its bytes.</param>
/// <param name="Text">The instruction, with the symbols that its relocations name.</param>
/// <param name="Relocations">Its relocations: type, symbol and addend of each.</param>
/// <param name="Labels">Names of the symbols that start here.</param>
public sealed record CodeLine(
    ulong Offset, ReadOnlyMemory<byte> Bytes, string Text, IReadOnlyList<string> Relocations, IReadOnlyList<string> Labels);
