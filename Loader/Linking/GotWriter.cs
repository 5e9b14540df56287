using System.Buffers.Binary;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>Fills the slots of an object's global offset table.</summary>
internal sealed class GotWriter
{
    private readonly RelocationContext _context;
    private readonly ITlsAddressing _tls;

    /// <param name="context">What the unit's relocations know.</param>
    /// <param name="tls">How thread-local storage is found.</param>
    internal GotWriter(RelocationContext context, ITlsAddressing tls)
    {
        _context = context;
        _tls = tls;
    }

    /// <summary>Fills them all.</summary>
    internal void Write(LinkObject file)
    {
        int wordSize = _context.Rules.Architecture.AddressSize;
        foreach (GotEntry entry in file.Got.Entries)
        {
            BoundSymbol symbol = file.Bound(entry.Symbol);
            Span<byte> slot = _context.Memory.Writable(
                file.Got.Block, file.Got.BlockOffset + (ulong)entry.Offset, GotTable.WordsOf(entry.Kind) * wordSize);
            ulong address = file.Got.Address + (ulong)entry.Offset;
            switch (entry.Kind)
            {
                case GotSlot.Address:
                    Put(slot, 0, symbol.Value | (symbol.Is(SymbolTraits.Thumb) ? _context.Rules.Architecture.ThumbBit : 0), wordSize);
                    break;
                case GotSlot.TpOffset:
                    Put(slot, 0, TpOffset(file, entry.Symbol), wordSize);
                    break;
                case GotSlot.TlsModule:
                    Put(slot, 0, _tls.Module, wordSize);
                    break;
                case GotSlot.TlsIndex:
                    WriteIndex(file, entry.Symbol, slot, wordSize);
                    break;
                case GotSlot.TlsDescriptor:
                    WriteDescriptor(file, entry.Symbol, slot, address);
                    break;
            }
        }
    }

    private static void Put(Span<byte> slot, int word, ulong value, int wordSize)
    {
        if (wordSize is 8)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(slot[(word * 8)..], value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(slot[(word * 4)..], (uint)value);
        }
    }

    private ulong TpOffset(LinkObject file, int symbol)
    {
        BoundSymbol bound = file.Bound(symbol);
        if (!bound.Is(SymbolTraits.External))
        {
            return bound.Is(SymbolTraits.UndefinedWeak) ? 0 : bound.Value - _context.Tls.ThreadPointer;
        }

        if (Outside(bound) is { Tls.TpOffset: { } offset })
        {
            return (ulong)offset;
        }

        _context.Errors.Add(
            LinkErrorCode.Placement,
            new LinkLocation(file.Elf.Name, Symbol: file.DescribeSymbol(symbol)),
            $"thread-local variable '{file.DescribeSymbol(symbol)}' of {Outside(bound).Provider} has no fixed distance from "
            + "the thread pointer, which the code wants (initial exec); compile with -fPIC");
        return 0;
    }

    private void WriteIndex(LinkObject file, int symbol, Span<byte> slot, int wordSize)
    {
        (ulong module, ulong offset) = Index(file, symbol);
        Put(slot, 0, module, wordSize);
        Put(slot, 1, offset, wordSize);
    }

    private (ulong Module, ulong Offset) Index(LinkObject file, int symbol)
    {
        BoundSymbol bound = file.Bound(symbol);
        return bound.Is(SymbolTraits.External) && Outside(bound).Tls is { } tls
            ? (tls.Module, tls.Offset)
            : (_tls.Module, bound.Value - _context.Tls.Base);
    }

    /// <summary>
    /// {resolver, argument}, or the other way round: the argument is an offset from the thread pointer, or the address of a TLS index, which is
    /// kept behind the descriptor.
    /// </summary>
    private void WriteDescriptor(LinkObject file, int symbol, Span<byte> slot, ulong address)
    {
        int wordSize = _context.Rules.Architecture.AddressSize;
        int resolver = _context.Rules.Architecture.DescriptorResolverWord;
        int argument = 1 - resolver;
        TlsDescriptor descriptor = _tls.DescriptorOf(file.Bound(symbol), _context.Tls.ThreadPointer);
        Put(slot, resolver, descriptor.Resolver, wordSize);
        Put(slot, argument, descriptor.TakesIndex ? address + (ulong)(2 * wordSize) : descriptor.Argument, wordSize);
        if (descriptor.TakesIndex)
        {
            (ulong module, ulong offset) = Index(file, symbol);
            Put(slot, 2, module, wordSize);
            Put(slot, 3, offset, wordSize);
        }
    }

    private Definition Outside(in BoundSymbol bound) =>
        _context.Resolution.Outside(_context.Resolution.Symbols[bound.Global]);
}
