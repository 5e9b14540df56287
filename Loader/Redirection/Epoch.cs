using ElfLoader.Redirection;

namespace ElfLoader;

/// <summary>A thread that is in an epoch.</summary>
/// <param name="ThreadId">Its number in the operating system.</param>
/// <param name="Generation">How many publications there had been when it entered.</param>
/// <param name="IsConsistent">Whether publications wait for it.</param>
public readonly record struct EpochThread(int ThreadId, long Generation, bool IsConsistent);

/// <summary>
/// A stretch of a thread's work during which the functions of redirectable libraries stay the same, and code that they are in
/// is not freed.
/// </summary>
/// <remarks>
/// <para>
/// Within <see cref="Enter"/> and <see cref="Leave"/> a thread sees one generation: a publication (of a
/// <see cref="ObjectLibrary.Replace(IReadOnlyList{string})"/>, an undo, an unload) waits until all threads have left, and
/// threads that enter meanwhile wait for it. Epochs should be short, therefore. They can be nested; the outermost counts.
/// </para>
/// <para>
/// <see cref="EnterWithoutWaiting"/> never waits and is never waited for: code stays, but functions may change in between.
/// It is for threads that must not be delayed.
/// </para>
/// <para>
/// Epochs are the thread's, for all libraries of the process. Native code calls <c>elfloader_enter_epoch</c> and
/// <c>elfloader_leave_epoch</c>, both <c>void (void)</c>. A thread that ends has left.
/// </para>
/// </remarks>
public readonly ref struct Epoch : IDisposable
{
    /// <summary>The threads that are in an epoch now.</summary>
    public static IReadOnlyList<EpochThread> Threads => EpochGate.Active();

    /// <summary>Whether the calling thread is in an epoch.</summary>
    public static bool IsInside => EpochGate.IsInside;

    /// <summary>Enters; waits while a publication is going on.</summary>
    /// <returns>What leaves when it is disposed.</returns>
    public static Epoch Enter()
    {
        EpochGate.Enter();
        return default;
    }

    /// <summary>Enters, without waiting and without being waited for.</summary>
    /// <returns>What leaves when it is disposed.</returns>
    public static Epoch EnterWithoutWaiting()
    {
        EpochGate.EnterWithoutWaiting();
        return default;
    }

    /// <summary>Leaves the epoch entered last.</summary>
    /// <exception cref="InvalidOperationException">The thread is in none.</exception>
    public static void Leave() => EpochGate.Leave();

    /// <summary>Leaves.</summary>
    /// <exception cref="InvalidOperationException">The thread is in none.</exception>
    public void Dispose() => EpochGate.Leave();
}
