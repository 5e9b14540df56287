using System.Buffers.Binary;

namespace ElfLoader.Arch.X64;

/// <summary>
/// The code at the canonical address of a function that can be redirected: a jump through the function's call cell; and
/// where that cell points while the function has no code.
/// </summary>
public static class X64EntryStub
{
    /// <summary>Bytes of an entry.</summary>
    public const int Size = 32;

    /// <summary>Alignment of an entry.</summary>
    public const int Alignment = 32;

    /// <summary>Distance of the code that asks for the function's code from the start of the entry.</summary>
    public const int Unresolved = 16;

    private const int CellDisplacement = 6;
    private const int Number = 17;
    private const int ResolverDisplacement = 23;

    /// <summary>Distance from the start of the entry at which the number lies on the stack.</summary>
    public const int Pushed = 21;

    /// <summary>
    /// <c>endbr64; jmp *cell(%rip)</c>, then <c>push $number; jmp *resolver(%rip)</c>. No register is free: the psABI lets calls
    /// clobber %r11, but clang's <c>preserve_none</c> has an argument in it, and compilers other conventions.
    /// </summary>
    private static ReadOnlySpan<byte> Code =>
    [
        0xf3, 0x0f, 0x1e, 0xfa,
        0xff, 0x25, 0, 0, 0, 0,
        0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
        0x68, 0, 0, 0, 0,
        0xff, 0x25, 0, 0, 0, 0,
        0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
    ];

    /// <summary>Writes an entry.</summary>
    /// <param name="place">Its bytes.</param>
    /// <param name="address">Where they run.</param>
    /// <param name="cell">Address of the call cell.</param>
    /// <param name="resolver">Address of a word that holds the address to go to without code.</param>
    /// <param name="number">What is on top of the stack then, in the lower half of a word.</param>
    /// <exception cref="OverflowException">The cell or the word is out of reach.</exception>
    public static void Write(Span<byte> place, ulong address, ulong cell, ulong resolver, uint number)
    {
        Code.CopyTo(place);
        WriteDistance(place, CellDisplacement, address, cell);
        BinaryPrimitives.WriteUInt32LittleEndian(place[Number..], number);
        WriteDistance(place, ResolverDisplacement, address, resolver);
    }

    private static void WriteDistance(Span<byte> place, int offset, ulong address, ulong target) =>
        BinaryPrimitives.WriteInt32LittleEndian(
            place[offset..], checked((int)unchecked((long)(target - (address + (ulong)offset + sizeof(int))))));
}
