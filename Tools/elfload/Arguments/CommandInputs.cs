using ElfLoader.Elf;
using ElfLoader.Memory;
using Microsoft.Win32.SafeHandles;

namespace ElfLoader.Tools.Arguments;

/// <summary>Reads the inputs of a command line, each once.</summary>
internal static class CommandInputs
{
    /// <summary>What stands for standard input.</summary>
    internal const string StandardInput = "-";

    /// <summary>What messages and maps call an object from standard input.</summary>
    internal const string StandardInputName = "stdin";

    /// <summary>Reads all.</summary>
    /// <exception cref="LinkException">One cannot be read.</exception>
    internal static InputFiles Read(IReadOnlyList<string> files, ReadLimits limits, Reporter reporter)
    {
        reporter.Progress($"reading {CountText.Of(files.Count, "file")}");
        IReadOnlyDictionary<int, byte[]> kept = KeptInputs.Take();
        var inputs = new InputFiles(limits);
        int start = 0;
        for (int i = 0; i < files.Count; i++)
        {
            bool isStandard = files[i] is StandardInput;
            if (isStandard || kept.ContainsKey(i))
            {
                inputs.AddAll([.. files.Skip(start).Take(i - start)]);
                inputs.Add(kept.GetValueOrDefault(i) ?? ReadStandardInput(limits), isStandard ? StandardInputName : files[i]);
                start = i + 1;
            }
        }

        inputs.AddAll(start is 0 ? files : [.. files.Skip(start)]);
        return inputs;
    }

    /// <summary>Reads standard input to its end.</summary>
    /// <exception cref="LinkException">It cannot be read.</exception>
    internal static byte[] ReadStandardInput(ReadLimits limits)
    {
        if (!StandardStreams.IsInputOpen)
        {
            throw new LinkException(new LinkError(LinkErrorCode.File, new LinkLocation(StandardInputName), "standard input is closed"));
        }

        try
        {
            using var handle = new SafeFileHandle(0, ownsHandle: false);
            using var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0);
            return InputBytes.Read(stream, limits);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new LinkException(
                exception, [new LinkError(LinkErrorCode.File, new LinkLocation(StandardInputName), exception.Message)]);
        }
    }
}
