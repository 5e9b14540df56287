using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

[Platform("Linux")]
[TestFixture(MemoryMapping.Dual)]
[TestFixture(MemoryMapping.WriteThenProtect)]
public sealed class MemoryPoolTests(MemoryMapping mapping)
{
    private static readonly MemoryZone[] Zones = Enum.GetValues<MemoryZone>();

    private MemoryPools _pools = null!;

    [SetUp]
    public void Open() => _pools = new MemoryPools(new MemoryOptions { Mapping = mapping });

    [TearDown]
    public void Close() => _pools.Dispose();

    [Test]
    public void CodeRunsAfterItIsSealed([Values] MemoryPlacement placement)
    {
        MemoryAllocation load = _pools.Allocate(placement, MachineCode.Request(MachineCode.ReturnSize));
        MachineCode.Return(42).CopyTo(load.Writable(MemoryZone.Code, 0, MachineCode.ReturnSize));
        load.Writable(MemoryZone.Code, 1, 1)[0] = 43;
        load.Seal();

        Assert.That(MachineCode.Run(load.Address(MemoryZone.Code)), Is.EqualTo(43));
    }

    [Test]
    public void SealingEndsWritingOfCodeAndConstantsOnly()
    {
        MemoryAllocation load = _pools.Allocate(MemoryPlacement.Far, MachineCode.Request(64, 64, 64, 64));
        load.StoreWord(MemoryZone.Relro, 0, 1);
        load.Seal();
        load.StoreWord(MemoryZone.Relro, 0, 2);
        load.Write(MemoryZone.Relro, 8, [3, 4, 5]);
        load.Writable(MemoryZone.Data, 0, 1)[0] = 6;

        Assert.Multiple(() =>
        {
            Assert.Throws<InvalidOperationException>(() => load.Writable(MemoryZone.Code, 0, 1));
            Assert.Throws<InvalidOperationException>(() => load.Writable(MemoryZone.ReadOnly, 0, 1));
            Assert.Throws<InvalidOperationException>(() => load.Write(MemoryZone.Code, 0, [1]));
            Assert.That(NativeBytes.LoadWord(load.Address(MemoryZone.Relro)), Is.EqualTo(2));
            Assert.That(
                NativeBytes.ReadOnlyAt(load.Address(MemoryZone.Relro) + 8, 4).ToArray(),
                Is.EqualTo(new byte[] { 3, 4, 5, 0 }));
            Assert.That(NativeBytes.At(load.Address(MemoryZone.Data), 1)[0], Is.EqualTo(6));
        });
    }

    [Test]
    public void BytesCopiedInAreWhereCodeSeesThem([Values] MemoryZone zone)
    {
        const int size = 100_000;
        byte[] bytes = new byte[size];
        new Random(1).NextBytes(bytes);
        MemoryAllocation load = _pools.Allocate(MemoryPlacement.Far, MachineCode.Request(size + 1, size + 1, size + 1, size + 1));

        load.CopyIn(zone, 1, bytes);
        load.Writable(zone, 5000, 1)[0] = bytes[4999] = 7;
        load.Seal();

        Assert.That(NativeBytes.ReadOnlyAt(load.Address(zone) + 1, size).SequenceEqual(bytes));
        Assert.That(() => load.CopyIn(MemoryZone.Code, 0, bytes), Throws.InvalidOperationException);
        Assert.That(() => load.CopyIn(zone, 2, bytes), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void ZonesLieInOrderInsideThePool([Values] MemoryPlacement placement)
    {
        MemoryAllocation load = _pools.Allocate(placement, MachineCode.Request(100, 100, 100, 100));
        ulong[] addresses = [.. Zones.Select(load.Address)];

        Assert.Multiple(() =>
        {
            Assert.That(addresses, Is.Ordered.Ascending);
            Assert.That(addresses, Has.All.InRange(load.Pool.Start, load.Pool.Start + load.Pool.Size - 1));
            Assert.That(load.Pool.Mapping, Is.EqualTo(mapping));
        });
    }
}
