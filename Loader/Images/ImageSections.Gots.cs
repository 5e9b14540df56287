using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Images;

/// <summary>The global offset tables: one, or one for each object.</summary>
internal sealed partial class ImageSections
{
    /// <summary>Slots of different objects do not share a 16-byte line.</summary>
    private const ulong GotAlignment = 16;

    /// <summary>Makes one global offset table of those that the objects want.</summary>
    private void AddSharedGot(IReadOnlyList<LinkObject> order)
    {
        LinkObject[] users = [.. order.Where(file => file.UsesGot)];
        if (users.Length is 0)
        {
            return;
        }

        var table = new SharedGot(_resolution.Symbols.Count, _machine.WordSize);
        foreach (LinkObject file in users)
        {
            file.Got.MoveInto(table, file);
        }

        int block = AddGot(null, table.Size, (ulong)_machine.WordSize, null);
        foreach (LinkObject file in users)
        {
            file.Got.Block = block;
        }
    }

    private void AddGots(IReadOnlyList<LinkObject> order)
    {
        foreach (LinkObject file in order)
        {
            if (file.UsesGot)
            {
                ulong? address = _mappings.FindGot(file);
                file.Got.Block = AddGot(
                    file, file.Got.Size, address is null ? GotAlignment : (ulong)_machine.WordSize, address);
            }
        }
    }

    private int AddGot(LinkObject? file, int size, ulong alignment, ulong? address)
    {
        var got = new ImagePiece { File = file, Size = (ulong)size, Alignment = alignment };
        OutputOf(".got", ImageZone.Relro, ElfConstants.SHT_PROGBITS, ElfConstants.SHF_ALLOC | ElfConstants.SHF_WRITE, address)
            .Add(got);
        return Memory.Add(got);
    }
}
