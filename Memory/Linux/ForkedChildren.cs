using System.Runtime.InteropServices;

namespace ElfLoader.Memory.Linux;

/// <summary>
/// What the views of a process's memory files share with a forked child, unless it is given its own: a list for the handlers that
/// run around <c>fork</c>, which are machine code (<c>Loader/Runtime/Shim.s</c>: before_fork), because in a child no thread of the
/// runtime is there.
/// </summary>
/// <remarks>
/// <para>
/// Before a fork the contents of all files are copied into private memory, which the child then moves to where it sees the files;
/// the parent throws the copies away. Nobody changes what is in use while they are made: <see cref="Change"/>. What is changed
/// later, until the fork has been made, is changed in the copies as well. Nobody waits for the fork itself: other libraries have
/// handlers, too, which may wait for a lock of a thread that would.
/// </para>
/// <para>
/// The state: a word that counts the changes being made, one of whose upper bits says that a fork is under way, and the other that
/// one of the handlers looks at the files; the first node; where children are counted that could not be given copies.
/// </para>
/// </remarks>
internal static unsafe class ForkedChildren
{
    private const uint Forking = 0x4000_0000;
    private const uint Copying = 0x8000_0000;

    private static readonly MadeOnce<NativeBlock> MadeState = new(MakeState);
    private static readonly Lock Gate = new();

    private struct State
    {
        internal uint Changes;
        internal Node* First;
        internal ulong* Sharing;
    }

    /// <summary>Private memory with the contents of a file.</summary>
    internal struct Copy
    {
        internal ulong Start;
        internal ulong Size;
    }

    /// <summary>One memory file; <c>Shim.s</c> knows the distances.</summary>
    internal struct Node
    {
        internal Node* Next;
        internal ulong View;

        /// <summary>Bytes that are seen of it; 0 in a child that has moved its copy, which it does not share with children of its own.</summary>
        internal ulong Size;

        internal ulong File;
        internal ulong Protection;

        /// <summary>What a child gets: one of the two that follow; null if no fork is under way, or there is no memory for it.</summary>
        internal Copy* Current;

        internal Copy One;
        internal Copy Other;
    }

    /// <summary>Address of the state.</summary>
    internal static ulong Address => (ulong)Shared;

    /// <summary>How many children could not be given copies of all files.</summary>
    internal static ulong Sharing => MadeState.IsMade && Shared->Sharing is not null and var count ? Volatile.Read(ref *count) : 0;

    private static State* Shared => (State*)MadeState.Value.Address;

    /// <summary>Adds a memory file, of which nothing is mapped yet.</summary>
    /// <param name="view">Where its first byte is seen.</param>
    /// <param name="file">The descriptor.</param>
    /// <param name="protection">The view's rights.</param>
    internal static Node* Add(ulong view, int file, int protection)
    {
        var node = (Node*)NativeMemory.AllocZeroed((nuint)sizeof(Node));
        (node->View, node->File, node->Protection) = (view, (ulong)file, (ulong)protection);
        using (Change())
        {
            lock (Gate)
            {
                node->Next = Shared->First;
                Shared->First = node;
            }
        }

        return node;
    }

    /// <summary>Forgets a memory file.</summary>
    internal static void Remove(Node* node)
    {
        using (Change())
        {
            lock (Gate)
            {
                Node** place = &Shared->First;
                while (*place != node)
                {
                    place = &(*place)->Next;
                }

                *place = node->Next;
            }

            Forget(node->Current);
        }

        NativeMemory.Free(node);
    }

    /// <summary>Notes that more of a file is seen. A change is being made.</summary>
    internal static void Grow(Node* node, ulong size)
    {
        if (IsForking && (node->Current is not null || node->Size is 0))
        {
            Copy* before = node->Current;
            Copy* after = before == &node->One ? &node->Other : &node->One;
            (after->Start, after->Size) = (AnonymousMemory.Take(size), size);
            if (before is not null && after->Start is not 0)
            {
                NativeBytes.Copy(before->Start, after->Start, before->Size);
            }

            Volatile.Write(ref *(nint*)&node->Current, (nint)(after->Start is 0 ? null : after)); // a child gets the one or the other
            Forget(before);
        }

        node->Size = size;
    }

    /// <summary>
    /// Lets a child have what has been written for code that nobody runs yet. The caller has passed a full fence since.
    /// </summary>
    /// <param name="node">The file.</param>
    /// <param name="offset">What was written.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="written">Where the file's first byte is written.</param>
    internal static void Follow(Node* node, ulong offset, ulong size, ulong written)
    {
        if (IsForking) // else a handler that begins now copies it
        {
            using (Change())
            {
                CopyOver(node, offset, size, written);
            }
        }
    }

    /// <summary>Writes in a child's copy what has been written in the file. A change is being made.</summary>
    internal static void CopyOver(Node* node, ulong offset, ulong size, ulong written)
    {
        if (node->Current is not null and var copy && offset < copy->Size)
        {
            NativeBytes.Copy(written + offset, copy->Start + offset, Math.Min(size, copy->Size - offset));
        }
    }

    /// <summary>Begins to change what running code may use, or the list; handlers of a fork wait for the end, and this for theirs.</summary>
    /// <remarks>No foreign code runs before the end, which comes soon.</remarks>
    internal static Changing Change()
    {
        var wait = default(SpinWait);
        State* state = Shared;
        while (true)
        {
            uint changes = Volatile.Read(ref state->Changes);
            if ((changes & Copying) is 0 && Interlocked.CompareExchange(ref state->Changes, changes + 1, changes) == changes)
            {
                return default;
            }

            wait.SpinOnce();
        }
    }

    private static bool IsForking => (Volatile.Read(ref Shared->Changes) & Forking) is not 0;

    private static void Forget(Copy* copy)
    {
        if (copy is not null && copy->Start is not 0)
        {
            AnonymousMemory.Give(copy->Start, copy->Size);
        }
    }

    private static NativeBlock MakeState()
    {
        var block = new NativeBlock(sizeof(State));
        ((State*)block.Address)->Sharing = (ulong*)AnonymousMemory.TakeShared(sizeof(ulong)); // none: nobody is counted
        return block;
    }

    /// <summary>A change that is being made.</summary>
    internal readonly ref struct Changing : IDisposable
    {
        /// <summary>Ends it.</summary>
        public void Dispose() => _ = Interlocked.Decrement(ref Shared->Changes);
    }
}
