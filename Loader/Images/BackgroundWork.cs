namespace ElfLoader.Images;

/// <summary>Work that another thread does while the caller goes on; or the caller at once, where that costs less.</summary>
internal sealed class BackgroundWork
{
    private readonly Task _task;

    private BackgroundWork(Task task) => _task = task;

    /// <summary>Starts it.</summary>
    /// <param name="isShared">Whether there is enough to do for another thread, and one may be used.</param>
    /// <param name="work">The work, which must not touch what the caller changes meanwhile.</param>
    internal static BackgroundWork Start(bool isShared, Action work)
    {
        var task = new Task(work);
        if (isShared)
        {
            task.Start(TaskScheduler.Default);
        }
        else
        {
            task.RunSynchronously(TaskScheduler.Default);
        }

        return new BackgroundWork(task);
    }

    /// <summary>Waits until it is over, however it ended.</summary>
    internal void Await() => _ = Task.WaitAny(_task);

    /// <summary>Waits until it is over, and throws what it threw.</summary>
    internal void Finish() => _task.GetAwaiter().GetResult();
}
