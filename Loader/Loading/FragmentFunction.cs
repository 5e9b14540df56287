using ElfLoader.Linking;

namespace ElfLoader.Loading;

/// <summary>
/// The function that the <c>.init</c> or <c>.fini</c> sections of all objects make together: each is a fragment of its body,
/// and in a linked program crti.o and crtn.o are its start and its end.
/// </summary>
internal sealed class FragmentFunction
{
    private readonly SectionRole _role;
    private int _block;
    private bool _isFramed;
    private ulong _size;

    internal FragmentFunction(SectionRole role) => _role = role;

    /// <summary>Whether there are fragments.</summary>
    internal bool Exists => _size > 0;

    /// <summary>Offset of its first instruction in the block.</summary>
    internal ulong Offset { get; private set; }

    private ReadOnlySpan<byte> Prologue => _isFramed ? [] : HostMachine.Architecture.FragmentPrologue;

    private ReadOnlySpan<byte> Epilogue => _isFramed ? [] : HostMachine.Architecture.FragmentEpilogue;

    /// <summary>Gives the fragments their places.</summary>
    /// <param name="objects">The objects.</param>
    /// <param name="block">The code.</param>
    /// <param name="index">Index of that block.</param>
    /// <param name="isFramed">Whether the function's start and end are among the fragments (crti.o and crtn.o).</param>
    /// <exception cref="LinkException">They do not make a function: between them there would be more than their code.</exception>
    internal void Place(ReadOnlySpan<LinkObject> objects, ref LinkBlock block, int index, bool isFramed)
    {
        const int alignment = 16;
        _isFramed = isFramed;
        foreach (LinkObject file in objects)
        {
            if ((file.Parts & ObjectParts.Fragments) == 0)
            {
                continue;
            }

            Span<SectionPlace> places = file.LoadedSections;
            for (int i = 1; i < places.Length; i++)
            {
                ref SectionPlace place = ref places[i];
                if (place.Fate is not SectionFate.Kept || place.Role != _role)
                {
                    continue;
                }

                Check(file, i);
                if (!Exists)
                {
                    Offset = block.Append((ulong)Prologue.Length, alignment);
                }

                place.Block = index;
                place.Offset = block.Append(file.Elf.Sections[i].Size, file.Elf.Sections[i].Alignment);
                _size = place.Offset + file.Elf.Sections[i].Size - Offset;
            }
        }

        if (Exists)
        {
            _block = index;
            _size = block.Append((ulong)Epilogue.Length, 1) + (ulong)Epilogue.Length - Offset;
        }
    }

    private void Check(LinkObject file, int section)
    {
        const int page = 4096;
        ulong alignment = file.Elf.Sections[section].Alignment;
        if (alignment > page || _size + file.Elf.Sections[section].Size > int.MaxValue - page)
        {
            throw new LinkException(
                LinkErrorCode.Unsupported,
                new LinkLocation(file.Elf.Name, file.Elf.SectionNameText(section)),
                $"the section is a fragment of a function, and its alignment of {alignment} is more than {page}, or the "
                + "function too large");
        }
    }

    /// <summary>Writes what is not part of a fragment.</summary>
    internal void WriteFrame(LinkMemory memory)
    {
        if (Exists)
        {
            Span<byte> code = memory.Writable(_block, Offset, checked((int)_size));
            code.Fill(HostMachine.Architecture.FragmentFiller);
            Prologue.CopyTo(code);
            Epilogue.CopyTo(code[^Epilogue.Length..]);
        }
    }
}
