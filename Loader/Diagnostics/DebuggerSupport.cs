namespace ElfLoader.Diagnostics;

/// <summary>Whether debuggers are told of what is loaded.</summary>
public enum DebuggerSupport
{
    /// <summary>They are not, and it costs nothing.</summary>
    Off,

    /// <summary>Through gdb's JIT compilation interface, which lldb understands as well.</summary>
    On,
}
