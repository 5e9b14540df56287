using System.Buffers.Binary;
using System.Text.RegularExpressions;
using ElfLoader.Memory;

namespace ElfLoader.Inspection.Checks;

/// <summary>Finds the stubs and the slots that an object uses to reach a symbol.</summary>
internal sealed class StubsAndSlots(LinkedImage image, ObjectNames objects)
{
    /// <summary>What llvm-jitlink calls the stubs that have its own code.</summary>
    private static readonly (string Ours, string Theirs)[] Kinds =
        [("arm-movw", "armv7_abs_le"), ("thumb-movw", "thumbv7_abs_le")];

    /// <summary>The address of a stub.</summary>
    /// <exception cref="CheckException">There is none, or more than one.</exception>
    internal ulong Stub(string container, string symbol, string? kind)
    {
        (string file, string? section) = objects.FindContainer(container);
        ImageStub[] stubs = StubsOf(file, symbol);
        if (stubs.Length is 0)
        {
            throw new CheckException($"{file} has no stub for '{symbol}': its branches reach it, if there are any");
        }

        ImageStub[] chosen = kind is null ? stubs : [.. stubs.Where(stub => IsOfKind(stub, kind))];
        if (chosen.Length is 0)
        {
            throw new CheckException($"no stub for '{symbol}' is of the kind '{kind}'; there are {List(stubs)}");
        }

        if (chosen.Length > 1 && section is not null)
        {
            ulong caller = image.Sections.FirstOrDefault(candidate => candidate.Object == file && candidate.Section == section)?.Address
                ?? throw new CheckException($"{file} has no section '{section}' in the image");
            return chosen.MinBy(stub => Math.Max(stub.Address, caller) - Math.Min(stub.Address, caller))!.Address;
        }

        return chosen.Length is 1
            ? chosen[0].Address
            : throw new CheckException($"there are {CountText.Of(chosen.Length, "stub")} for '{symbol}': {List(chosen)}; name a kind");
    }

    /// <summary>The address of a slot.</summary>
    /// <exception cref="CheckException">There is none.</exception>
    internal ulong Slot(string container, string symbol)
    {
        (string file, _) = objects.FindContainer(container);
        ImageGotSlot[] slots = [.. image.Got.Where(slot => slot.Symbol == symbol && slot.Object == file)];
        ImageGotSlot? found = slots.FirstOrDefault(slot => slot.Kind is "address") ?? slots.FirstOrDefault();
        if (found is not null)
        {
            return found.Address;
        }

        foreach (ImageStub stub in StubsOf(file, symbol))
        {
            if (WordOf(stub) is { } word) // LLVM's stubs jump through a slot, ours hold the address
            {
                return word;
            }
        }

        throw new CheckException($"{file} has no slot for '{symbol}' in its global offset table");
    }

    private ImageStub[] StubsOf(string file, string symbol)
    {
        ImageStub[] all = [.. image.Stubs.Where(stub => stub.Symbol == symbol).DistinctBy(stub => stub.Address)];
        ImageStub[] own = [.. all.Where(stub => stub.Object == file)];
        return own.Length > 0 ? own : all; // one that another object asked for first serves all that reach it
    }

    private ulong? WordOf(ImageStub stub)
    {
        byte[] code = new byte[stub.Size];
        int size = image.Machine is "arm" ? sizeof(uint) : sizeof(ulong);
        if (!image.TryRead(stub.Address, code))
        {
            return null;
        }

        for (int i = 0; i + size <= code.Length; i++)
        {
            ReadOnlySpan<byte> word = code.AsSpan(i, size);
            ulong value = size is sizeof(uint)
                ? BinaryPrimitives.ReadUInt32LittleEndian(word)
                : BinaryPrimitives.ReadUInt64LittleEndian(word);
            if (value == stub.Target)
            {
                return stub.Address + (ulong)i;
            }
        }

        return null;
    }

    private static bool IsOfKind(ImageStub stub, string kind)
    {
        try
        {
            var expression = new Regex(kind, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            return expression.IsMatch(stub.Kind)
                || Array.Exists(Kinds, pair => pair.Ours == stub.Kind && expression.IsMatch(pair.Theirs));
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw new CheckException($"'{kind}' is no regular expression: {exception.Message}");
        }
    }

    private static string List(IEnumerable<ImageStub> stubs) =>
        string.Join(", ", stubs.Select(stub => $"{stub.Kind} at 0x{stub.Address:x}"));
}
