using System.Buffers.Binary;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Diagnostics;

/// <summary>
/// The list of symbol files that debuggers read (gdb manual, "JIT Compilation Interface"): a
/// <c>struct jit_descriptor</c>, which lies in the shim, and a <c>struct jit_code_entry</c> for each unit.
/// </summary>
/// <remarks>May be used from any thread; nothing foreign runs under its lock but the function at which debuggers stop.</remarks>
internal sealed class DebuggerRegistry
{
    // struct jit_descriptor: version and action (32 bits each), then two pointers.
    private const int Action = 4;
    private const int Relevant = 8;
    private const int First = 16;

    // struct jit_code_entry
    private const int Next = 0;
    private const int Previous = 8;
    private const int FileAddress = 16;
    private const int FileSize = 24;
    private const int EntrySize = 32;

    private const uint JIT_NOACTION = 0;
    private const uint JIT_REGISTER_FN = 1;
    private const uint JIT_UNREGISTER_FN = 2;

    private readonly Lock _gate = new();
    private readonly ulong _hook;

    internal DebuggerRegistry(Shim shim)
    {
        Descriptor = shim.Start + ShimLayout.JitDescriptor;
        _hook = shim.Function("jit_debug_register_code");
    }

    /// <summary>Address of the descriptor.</summary>
    internal ulong Descriptor { get; }

    /// <summary>The symbol files of the list, the last registered first, as addresses and sizes.</summary>
    internal IReadOnlyList<(ulong Address, ulong Size)> Files
    {
        get
        {
            lock (_gate)
            {
                List<(ulong, ulong)> files = [];
                for (ulong entry = NativeBytes.LoadWord(Descriptor + First);
                    entry is not 0;
                    entry = NativeBytes.LoadWord(entry + Next))
                {
                    files.Add((NativeBytes.LoadWord(entry + FileAddress), NativeBytes.LoadWord(entry + FileSize)));
                }

                return files;
            }
        }
    }

    /// <summary>Hands a symbol file to debuggers.</summary>
    /// <returns>The entry with its file, which <see cref="Deregister"/> takes.</returns>
    internal NativeBlock Register(ReadOnlySpan<byte> file)
    {
        var block = new NativeBlock(checked(EntrySize + file.Length));
        file.CopyTo(block.Bytes[EntrySize..]);
        ulong entry = block.Address;
        lock (_gate)
        {
            ulong next = NativeBytes.LoadWord(Descriptor + First);
            NativeBytes.StoreWord(entry + Next, next);
            NativeBytes.StoreWord(entry + FileAddress, entry + EntrySize);
            NativeBytes.StoreWord(entry + FileSize, (ulong)file.Length);
            if (next is not 0)
            {
                NativeBytes.StoreWord(next + Previous, entry);
            }

            NativeBytes.StoreWord(Descriptor + First, entry);
            Tell(JIT_REGISTER_FN, entry);
        }

        return block;
    }

    /// <summary>Takes a symbol file back and frees it.</summary>
    internal void Deregister(NativeBlock block)
    {
        ulong entry = block.Address;
        lock (_gate)
        {
            ulong next = NativeBytes.LoadWord(entry + Next);
            ulong previous = NativeBytes.LoadWord(entry + Previous);
            NativeBytes.StoreWord(previous is 0 ? Descriptor + First : previous + Next, next);
            if (next is not 0)
            {
                NativeBytes.StoreWord(next + Previous, previous);
            }

            Tell(JIT_UNREGISTER_FN, entry);
        }

        block.Dispose();
    }

    private void Tell(uint action, ulong entry)
    {
        NativeBytes.StoreWord(Descriptor + Relevant, entry);
        SetAction(action);
        _ = NativeCall.Call(_hook);
        SetAction(JIT_NOACTION); // a debugger that attaches later reads the list, and no entry that may be gone
        NativeBytes.StoreWord(Descriptor + Relevant, 0);
    }

    private void SetAction(uint action) =>
        BinaryPrimitives.WriteUInt32LittleEndian(NativeBytes.At(Descriptor + Action, sizeof(uint)), action);
}
