namespace ElfLoader.Elf.Writing;

/// <summary>One entry of an image's program header table.</summary>
internal readonly record struct ProgramHeader(
    uint Type, uint Flags, ulong Offset, ulong Address, ulong FileSize, ulong MemorySize, ulong Alignment);
