namespace ElfLoader.Tools;

/// <summary>The command line is wrong; the message says what.</summary>
internal sealed class CommandLineException(string message) : Exception(message);
