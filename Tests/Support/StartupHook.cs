using ElfLoader.Tests.Support;

/// <summary>What the runtime calls in a process that <see cref="ChildProcess"/> starts.</summary>
internal static class StartupHook
{
    /// <summary>Does what the process is there for, and ends it.</summary>
    public static void Initialize() => ChildProcess.RunIfAsked();
}
