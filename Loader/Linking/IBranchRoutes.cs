using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>A stub that a single branch goes through.</summary>
/// <param name="Address">Address of the stub.</param>
/// <param name="Shape">Its code.</param>
internal readonly record struct BranchRoute(ulong Address, StubShape Shape);

/// <summary>The stubs of single branches, in links that give each branch the stub that it can reach.</summary>
internal interface IBranchRoutes
{
    /// <summary>Finds the stub that a branch goes through.</summary>
    /// <param name="file">The object that the branch is in.</param>
    /// <param name="section">Index of the section that it is in.</param>
    /// <param name="offset">Offset of the relocated place in the section, in bytes.</param>
    /// <param name="route">The stub.</param>
    /// <returns>False where the branch reaches its target by itself.</returns>
    bool TryRoute(LinkObject file, int section, ulong offset, out BranchRoute route);

    /// <summary>Describes the stub of a branch, as maps list it; null where there is none.</summary>
    /// <param name="file">The object that the branch is in.</param>
    /// <param name="section">Index of the section that it is in.</param>
    /// <param name="offset">Offset of the relocated place in the section, in bytes.</param>
    ImageStub? DescribeRoute(LinkObject file, int section, ulong offset);
}
