using System.Runtime.InteropServices;
using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

/// <summary>Each signature, called on hand-assembled code of the System V ABI.</summary>
[Platform("Linux")]
public sealed class NativeCallTests
{
    private MemoryPools _pools = null!;
    private ulong _data;

    [SetUp]
    public void Open()
    {
        Assume.That(RuntimeInformation.ProcessArchitecture, Is.EqualTo(Architecture.X64));
        _pools = new MemoryPools();
        _data = _pools.Allocate(MemoryPlacement.Low, MachineCode.Request(0, data: 64)).Address(MemoryZone.Data);
    }

    [TearDown]
    public void Close() => _pools.Dispose();

    [Test]
    public void ArgumentsArriveInTheirRegisters()
    {
        // mov [rdx], rsi; mov [rdx + 8], edi; lea eax, [rdi + 1]; ret
        ulong code = Code("488932 897a08 8d4701 c3");

        NativeCall.Initializer(code, 3, unchecked((nint)0x1234_5678_9abc), (nint)_data);
        Assert.That((Word(0), Word(8)), Is.EqualTo((0x1234_5678_9abcUL, 3UL)));
        Assert.That(NativeCall.Main(code, 41, 5, (nint)_data), Is.EqualTo(42));
        Assert.That((Word(0), Word(8)), Is.EqualTo((5UL, 41UL)));
    }

    [Test]
    public void OneArgument()
    {
        // mov [rdi], rdi; ret
        ulong code = Code("48893f c3");

        NativeCall.Call(code, _data);
        Assert.That(Word(0), Is.EqualTo(_data));
        NativeCall.Call(code, _data + 8);
        Assert.That(Word(8), Is.EqualTo(_data + 8));
    }

    [Test]
    public void NoArgument()
    {
        // mov eax, data; mov qword [rax], 7; ret: the low placement fits the 32 bits
        ulong code = Code($"b8{Convert.ToHexString(BitConverter.GetBytes((uint)_data))} 48c70007000000 c3");

        NativeCall.Call(code);
        Assert.That(Word(0), Is.EqualTo(7));
        Assert.That(NativeCall.Resolve(code), Is.EqualTo((nint)_data));
    }

    [Test]
    public void StringsEndAtTheirNul()
    {
        "abc\0def"u8.CopyTo(NativeBytes.At(_data, 7));

        Assert.That(NativeBytes.StringAt(_data).ToArray(), Is.EqualTo("abc"u8.ToArray()));
        Assert.That(NativeBytes.StringAt(0).ToArray(), Is.Empty);
    }

    private ulong Word(ulong offset) => NativeBytes.LoadWord(_data + offset);

    private ulong Code(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        MemoryAllocation load = _pools.Allocate(MemoryPlacement.Far, MachineCode.Request((ulong)bytes.Length));
        load.Write(MemoryZone.Code, 0, bytes);
        load.Seal();
        return load.Address(MemoryZone.Code);
    }
}
