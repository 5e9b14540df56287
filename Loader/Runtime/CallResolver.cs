using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>
/// What entries without code go to: machine code of the shim that keeps the caller's registers and asks
/// <see cref="Handler"/> where to go on. May be used from any thread, those that .NET does not know included.
/// </summary>
internal sealed class CallResolver
{
    /// <summary>Tells native code the managed function to ask.</summary>
    public CallResolver(Shim shim)
    {
        Address = shim.Function("resolve_call");
        NativeBytes.StoreWord(shim.Start + ShimLayout.Resolve, ReverseCall.AddressOf(Resolve));
    }

    /// <summary>Where entries without code go to, with their number on the stack.</summary>
    public ulong Address { get; }

    /// <summary>Finds the code of an entry by its number; must not throw.</summary>
    public Func<uint, ulong>? Handler { get; set; }

    private ulong Resolve(ulong number)
    {
        Func<uint, ulong> handler = Handler ?? throw new InvalidOperationException("nobody resolves calls");
        return handler((uint)number);
    }
}
