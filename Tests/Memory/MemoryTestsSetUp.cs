namespace ElfLoader.Tests.Memory;

/// <summary>These tests want the scarce address space that other tests' libraries have used before them.</summary>
[SetUpFixture]
public sealed class MemoryTestsSetUp
{
    [OneTimeSetUp]
    public void GiveBackWhatOtherTestsLeft() => ObjectLibrary.TrimAddressSpace();
}
