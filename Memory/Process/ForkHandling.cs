using ElfLoader.Memory.Linux;

namespace ElfLoader.Memory;

/// <summary>What the handlers around <c>fork</c> need, which are to give a child memory of its own.</summary>
public static class ForkHandling
{
    /// <summary>
    /// Address of their state: 32 bits that count changes which are being made, the highest set during a fork; at 8 the first of
    /// a list of memory files: the next one, the view's address, its size, the descriptor, the view's rights, the copy.
    /// </summary>
    public static ulong State => ForkedChildren.Address;
}
