namespace ElfLoader.Runtime;

/// <summary>An unwinder in loaded code that knows only the tables that it is told of.</summary>
/// <param name="Register">Address of its function that takes the address of an <c>.eh_frame</c>.</param>
/// <param name="Deregister">Address of the function that takes it back.</param>
internal sealed record LoadedUnwinder(ulong Register, ulong Deregister);
