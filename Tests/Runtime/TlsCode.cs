using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Tests.Runtime;

/// <summary>
/// The code that compilers write to reach a thread-local variable, model by model; each returns its address.
/// </summary>
internal static class TlsCode
{
    /// <summary>Address of the words that general dynamic code passes: module, offset.</summary>
    public static ulong Index(TlsModule module, ulong offset) => Words(module.Id, offset);

    /// <summary>
    /// General dynamic: sub $8,%rsp; lea pair(%rip),%rdi; call *function(%rip); add $8,%rsp; ret; pair at 32, function
    /// at 48.
    /// </summary>
    public static ulong GeneralDynamic(TlsModule module, ulong offset) => HostProcess.Code(
        "4883ec08488d3d15000000ff151f0000004883c408c3662e0f1f84000000000000000000000000000000000000000000000000000000"
            + "0000",
        (32, module.Id),
        (40, offset),
        (48, HostRuntime.Instance.Tls.GetAddress));

    /// <summary>Initial exec: mov slot(%rip),%rax; add %fs:0,%rax; ret; slot at 32.</summary>
    public static ulong InitialExec(TlsModule module, ulong offset) => HostProcess.Code(
        "488b0519000000644803042500000000c366662e0f1f8400000000000f1f40000000000000000000",
        (32, (ulong)(module.TpOffset!.Value + (long)offset)));

    /// <summary>Local exec: mov %fs:0,%rax; lea offset(%rax),%rax; ret.</summary>
    public static ulong LocalExec(TlsModule module, ulong offset)
    {
        byte[] distance = BitConverter.GetBytes((int)(module.TpOffset!.Value + (long)offset));
        return HostProcess.Code($"64488b042500000000488d80{Convert.ToHexString(distance)}c3");
    }

    /// <summary>
    /// Descriptor: sub $8,%rsp; lea descriptor(%rip),%rax; call *(%rax); add %fs:0,%rax; add $8,%rsp; ret; descriptor
    /// at 32.
    /// </summary>
    public static ulong Descriptor(ulong resolver, ulong argument) => HostProcess.Code(
        "4883ec08488d0515000000ff106448030425000000004883c408c30f1f44000000000000000000000000000000000000",
        (32, resolver),
        (40, argument));

    /// <summary>Two words in memory.</summary>
    public static ulong Words(ulong first, ulong second)
    {
        ulong address = HostProcess.Data();
        NativeBytes.StoreWord(address, first);
        NativeBytes.StoreWord(address + 8, second);
        return address;
    }
}
