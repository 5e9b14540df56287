using ElfLoader.Memory.Linux;

namespace ElfLoader.Memory;

/// <summary>What the handlers around <c>fork</c> need, which are to give a child memory of its own.</summary>
public static class ForkHandling
{
    /// <summary>
    /// Address of their state: 32 bits that count changes which are being made, the two highest set by a fork; at 8 the first of
    /// a list of memory files: the next one, the view's address, its size, the descriptor, the view's rights, the address of
    /// {address, size} of the copy, room for two of these; at 16 the address of a count of children that have not got copies.
    /// </summary>
    public static ulong State => ForkedChildren.Address;

    /// <summary>How many forked children could not be given copies, and see what their parent changes.</summary>
    public static long ChildrenWithoutCopies => (long)ForkedChildren.Sharing;
}
