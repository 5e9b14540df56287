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
/// the parent throws the copies away. Meanwhile nobody changes what is in use: <see cref="Change"/>.
/// </para>
/// <para>The state: a word that counts the changes being made, whose highest bit keeps new ones out during a fork; the first node.</para>
/// </remarks>
internal static unsafe class ForkedChildren
{
    private const uint Forking = 0x8000_0000;
    private const nuint StateSize = 16;

    private static readonly State* s_state = (State*)NativeMemory.AllocZeroed(StateSize);
    private static readonly Lock s_gate = new();

    private struct State
    {
        internal uint Changes;
        internal Node* First;
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

        /// <summary>The copy, between the handlers; 0 if there is none.</summary>
        internal ulong Copy;
    }

    /// <summary>Address of the state.</summary>
    internal static ulong Address => (ulong)s_state;

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
            lock (s_gate)
            {
                node->Next = s_state->First;
                s_state->First = node;
            }
        }

        return node;
    }

    /// <summary>Forgets a memory file.</summary>
    internal static void Remove(Node* node)
    {
        using (Change())
        {
            lock (s_gate)
            {
                Node** place = &s_state->First;
                while (*place != node)
                {
                    place = &(*place)->Next;
                }

                *place = node->Next;
            }
        }

        NativeMemory.Free(node);
    }

    /// <summary>Begins to change what running code may use, or the list; a fork waits for the end, and this for the end of a fork.</summary>
    /// <remarks>No foreign code runs before the end, which comes soon.</remarks>
    internal static Changing Change()
    {
        var wait = default(SpinWait);
        while (true)
        {
            uint changes = Volatile.Read(ref s_state->Changes);
            if ((changes & Forking) is 0 && Interlocked.CompareExchange(ref s_state->Changes, changes + 1, changes) == changes)
            {
                return default;
            }

            wait.SpinOnce();
        }
    }

    /// <summary>A change that is being made.</summary>
    internal readonly ref struct Changing : IDisposable
    {
        /// <summary>Ends it.</summary>
        public void Dispose() => _ = Interlocked.Decrement(ref s_state->Changes);
    }
}
