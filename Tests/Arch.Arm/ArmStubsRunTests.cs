using System.Buffers.Binary;
using System.Diagnostics;
using ElfLoader.Relocations;
using static ElfLoader.Arch.Arm.ArmRelocationTypes;
using Machine = ElfLoader.Arch.Arm.Arm;

namespace ElfLoader.Tests.Arch.Arm;

/// <summary>Veneers and stubs executed: a program of a few instructions calls through one and exits with 42.</summary>
/// <remarks>The exit status is the sum of two arguments and of what the stack has moved by, so that neither may change.</remarks>
public sealed class ArmStubsRunTests
{
    private const uint Base = 0x10000;
    private const uint Start = 0x100;
    private const uint StubAt = 0x200;
    private const uint SlotAt = 0x280;
    private const uint TargetAt = 0x300;
    private const int Answer = 42;

    // mov r0, #40; mov r1, #2; mov r4, sp; bl stub
    private const string ArmStart = "2800a0e3" + "0210a0e3" + "0d40a0e1" + "feffffeb";
    private const string ThumbStart = "2820" + "0221" + "6c46" + "00bf" + "fff7feff";

    // add r0, r0, r1; sub r4, r4, sp; add r0, r0, r4; mov r7, #1 (exit); svc #0
    private const string ArmTarget = "010080e0" + "0d4044e0" + "040080e0" + "0170a0e3" + "000000ef";
    private const string ThumbTarget = "4018" + "6a46" + "a41a" + "0019" + "0127" + "00df";

    private static IEnumerable<TestCaseData> Calls =>
        from architecture in (uint[])[2, 3, 10, 11, 13]
        from isPositionIndependent in (bool[])[false, true]
        from isSlot in (bool[])[false, true]
        from fromThumb in (bool[])[false, true]
        from toThumb in (bool[])[false, true]
        let machine = ArmStubsTests.Make(architecture, isPositionIndependent)
        where machine.Options.Architecture.HasArm || (fromThumb && toThumb)
        where !isSlot || (!isPositionIndependent && (machine.Options.Architecture.HasBlx || machine.Stub.IsThumb == fromThumb))
        select new TestCaseData(machine, isSlot, fromThumb, toThumb).SetArgDisplayNames(
            $"{(isSlot ? machine.Stub : ArmStubsTests.Veneer(machine, fromThumb, toThumb)).Kind} for {architecture}, "
            + $"{(fromThumb ? "T" : "A")}32 to {(toThumb ? "T" : "A")}32");

    [TestCaseSource(nameof(Calls))]
    public void CallArrives(Machine machine, bool isSlot, bool fromThumb, bool toThumb)
    {
        byte[] image = new byte[0x400];
        uint target = Base + TargetAt + (toThumb ? 1u : 0);
        Convert.FromHexString(toThumb ? ThumbTarget : ArmTarget).CopyTo(image, TargetAt);
        byte[] start = Convert.FromHexString(fromThumb ? ThumbStart : ArmStart);
        start.CopyTo(image, Start);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan((int)SlotAt), target);

        StubShape shape = isSlot ? machine.Stub : ArmStubsTests.Veneer(machine, fromThumb, toThumb);
        Assert.That(
            machine.TryWriteStub(
                shape, image.AsSpan((int)StubAt, shape.Size), Base + StubAt, isSlot ? Base + SlotAt : target),
            Is.True);
        int call = (int)Start + start.Length - 4;
        var operands = new Operands
        {
            S = Base + StubAt,
            L = Base + StubAt,
            P = Base + (uint)call,
            A = fromThumb ? -4 : -8,
            T = shape.IsThumb ? 1UL : 0,
            IsFunction = true,
        };
        Assert.That(
            machine.Relocations.Apply(
                machine.Relocations[fromThumb ? R_ARM_THM_CALL : R_ARM_CALL]!, image.AsSpan(call, 4), operands, out _),
            Is.EqualTo(RelocationOutcome.Applied));
        WriteHeader(image, Base + Start + (fromThumb ? 1u : 0));

        Assert.That(Run(image), Is.EqualTo(Answer));
    }

    /// <summary>An ELF header and a program header that maps the whole file readable, writable and executable.</summary>
    private static void WriteHeader(byte[] image, uint entry)
    {
        ReadOnlySpan<byte> ident = [0x7f, (byte)'E', (byte)'L', (byte)'F', 1, 1, 1];
        ident.CopyTo(image);
        uint[] words =
        [
            0x0028_0002, 1, entry, 52, 0, 0x0500_0000, 0x0020_0034, 1, 0,
            1, 0, Base, Base, (uint)image.Length, (uint)image.Length, 7, 0x1000,
        ];
        for (int i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(16 + (4 * i)), words[i]);
        }
    }

    private static int Run(byte[] image)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Ignore("there is no qemu-arm for Windows");
            return 0;
        }

        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, image);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            using var process = Process.Start(new ProcessStartInfo("qemu-arm", [path]))!;
            Assert.That(process.WaitForExit(TimeSpan.FromSeconds(60)), Is.True);
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("qemu-arm is not installed");
            return 0;
        }
        finally
        {
            File.Delete(path);
        }
    }
}
