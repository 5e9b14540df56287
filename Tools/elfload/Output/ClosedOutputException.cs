namespace ElfLoader.Tools.Output;

/// <summary>
/// Standard output is a pipe that nobody reads any more, as of <c>head</c> when it has seen enough: the command ends, and tells nobody.
/// </summary>
internal sealed class ClosedOutputException() : Exception("nobody reads standard output any more");
