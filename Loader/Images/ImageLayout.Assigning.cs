using ElfLoader.Linking;
using ElfLoader.Relocations;

namespace ElfLoader.Images;

/// <summary>The second half: what lies in the sections, or is counted from them, follows.</summary>
internal sealed partial class ImageLayout
{
    private void AssignInputs()
    {
        foreach (ImageOutput output in _sections.Outputs)
        {
            foreach (ImagePiece piece in output.Pieces)
            {
                if (piece is { File: not null, Section: > 0 })
                {
                    piece.File.Sections[piece.Section].Address = piece.Address;
                }
            }
        }
    }

    private void AssignTls()
    {
        if (_tls is not [ImageOutput first, ..])
        {
            return;
        }

        // ELF Handling for Thread-Local Storage: variant one puts the block above the thread pointer, behind the control
        // block; variant two puts it below, so that the thread pointer, as aligned as the block, is its end.
        Tls.Base = first.Address;
        ulong alignment = first.Alignment;
        Architecture architecture = _machine.Rules.Architecture;
        Tls.ThreadPointer = architecture.Tls is TlsVariant.Two
            ? AlignUp(_tls[^1].End, alignment)
            : Tls.Base - AlignUp((ulong)architecture.TlsControlBlockSize, alignment);
    }

    private void AssignSymbols(SymbolResolution resolution, StubTable stubs)
    {
        foreach ((int symbol, ImagePiece piece) in _sections.Commons)
        {
            resolution.Symbols[symbol].Value = piece.Address;
        }

        foreach (LinkObject file in resolution.Objects)
        {
            if (file.UsesGot)
            {
                file.Got.Address = _sections.Memory.Piece(file.Got.Block).Address;
            }
        }

        foreach (ref Stub stub in stubs.All)
        {
            stub.Address = _sections.Stubs!.Address + stub.Offset;
            stub.SlotAddress = _sections.StubSlots!.Address + stub.SlotOffset;
        }
    }
}
