using System.Buffers.Binary;
using System.Globalization;
using ElfLoader.Relocations;
using static ElfLoader.Arch.X64.X64Relocations;

namespace ElfLoader.Arch.X64;

/// <summary>
/// One code sequence that asks the run-time for a thread-local address, and what to put instead where the offset from
/// the thread pointer is a constant.
/// </summary>
/// <remarks>
/// System V ABI, AMD64 Architecture Processor Supplement, "Linker Optimization"; ELF Handling for Thread-Local
/// Storage, "x86-64 Linker Optimizations". A sequence is two records, of the lea and of the call, whose bytes lie side
/// by side; both are rewritten at once or neither is.
/// <para>
/// Local dynamic is rewritten so that it still yields the start of the module's TLS block, not, as linkers do, the
/// thread pointer. It then needs no change of the DTPOFF relocations that are added to it, so it does not matter
/// whether they can be told from those in debugging information, nor whether all sequences of an object are known.
/// The call may change the flags, and so may the xor and add that stand for it.
/// </para>
/// <para>
/// A descriptor's lea and call may be moved apart by a compiler; only those side by side are rewritten.
/// </para>
/// </remarks>
internal sealed class TlsSequence
{
    private const short Hole = -1;

    private const uint Call = R_X86_64_PLT32;
    private const uint CallSlot = R_X86_64_GOTPCRELX;
    private const uint CallFar = R_X86_64_PLTOFF64;
    private const uint CallDescriptor = R_X86_64_TLSDESC_CALL;

    private readonly uint _type;
    private readonly uint _call;
    private readonly short[] _before;
    private readonly byte[] _after;
    private readonly int _field;
    private readonly int _callField;
    private readonly int _immediate;

    private TlsSequence(uint type, uint call, string before, string after)
    {
        _type = type;
        _call = call;
        _before = [.. before.Split(' ').SelectMany(Bytes)];
        _after = [.. after.Split(' ').SelectMany(Bytes).Select(value => (byte)Math.Max(value, (short)0))];
        _field = Array.IndexOf(_before, Hole);
        _callField = call is CallDescriptor ? _field + sizeof(int) : FindSecondHole();
        _immediate = Array.IndexOf([.. after.Split(' ').SelectMany(Bytes)], Hole);
    }

#pragma warning disable format // columns
    private static readonly TlsSequence[] All =
    [
        // lea x@tlsgd(%rip), %rdi; call __tls_get_addr -> mov %fs:0, %rax; lea x@tpoff(%rax), %rax
        new(R_X86_64_TLSGD, Call,
            "66 48 8d 3d rel32 66 66 48 e8 rel32",
            "64 48 8b 04 25 00 00 00 00 48 8d 80 imm32"),
        new(R_X86_64_TLSGD, CallSlot,
            "66 48 8d 3d rel32 66 48 ff 15 rel32",
            "64 48 8b 04 25 00 00 00 00 48 8d 80 imm32"),
        // Large model: movabs $__tls_get_addr@pltoff, %rax; add %rbx or %r15, %rax; call *%rax
        new(R_X86_64_TLSGD, CallFar,
            "48 8d 3d rel32 48 b8 rel64 48 01 d8 ff d0",
            "64 48 8b 04 25 00 00 00 00 48 8d 80 imm32 66 0f 1f 44 00 00"),
        new(R_X86_64_TLSGD, CallFar,
            "48 8d 3d rel32 48 b8 rel64 4c 01 f8 ff d0",
            "64 48 8b 04 25 00 00 00 00 48 8d 80 imm32 66 0f 1f 44 00 00"),

        // lea x@tlsld(%rip), %rdi; call __tls_get_addr -> xor %eax, %eax; mov %fs:(%rax), %rax; add $block, %rax
        new(R_X86_64_TLSLD, Call,
            "48 8d 3d rel32 e8 rel32",
            "31 c0 64 48 8b 00 48 05 imm32"),
        new(R_X86_64_TLSLD, CallSlot,
            "48 8d 3d rel32 ff 15 rel32",
            "31 c0 64 48 8b 00 48 05 imm32 90"),
        new(R_X86_64_TLSLD, CallFar,
            "48 8d 3d rel32 48 b8 rel64 48 01 d8 ff d0",
            "31 c0 64 48 8b 00 48 05 imm32 66 2e 0f 1f 84 00 00 00 00 00"),
        new(R_X86_64_TLSLD, CallFar,
            "48 8d 3d rel32 48 b8 rel64 4c 01 f8 ff d0",
            "31 c0 64 48 8b 00 48 05 imm32 66 2e 0f 1f 84 00 00 00 00 00"),

        // lea x@tlsdesc(%rip), %rax; call *x@tlscall(%rax) -> mov $x@tpoff, %rax; xchg %ax, %ax
        new(R_X86_64_GOTPC32_TLSDESC, CallDescriptor,
            "48 8d 05 rel32 ff 10",
            "48 c7 c0 imm32 66 90"),
    ];
#pragma warning restore format

    /// <summary>Rewrites the sequence that a record and the following one belong to, if it is known.</summary>
    public static Relaxation TryRelax(
        RelocationRule rule,
        Span<byte> section,
        int offset,
        in Operands operands,
        RelocationRule following,
        int followingOffset)
    {
        ulong target = rule.Type is R_X86_64_TLSLD ? operands.TlsBlock : operands.S;
        long value = (long)(target - operands.Tp);
        if (value != (int)value)
        {
            return Relaxation.Declined;
        }

        uint call = following.Type switch
        {
            R_X86_64_PC32 => Call,
            R_X86_64_GOTPCREL or R_X86_64_REX_GOTPCRELX => CallSlot,
            uint other => other,
        };
        foreach (TlsSequence sequence in All)
        {
            if (sequence._type == rule.Type && sequence._call == call
                && sequence._callField - sequence._field == followingOffset - offset
                && sequence.Matches(section, offset))
            {
                Span<byte> code = section.Slice(offset - sequence._field, sequence._after.Length);
                sequence._after.CopyTo(code);
                BinaryPrimitives.WriteInt32LittleEndian(code[sequence._immediate..], (int)value);
                return new Relaxation(Applied: true, Consumed: 1);
            }
        }

        return Relaxation.Declined;
    }

    private static IEnumerable<short> Bytes(string word) => word switch
    {
        "rel32" or "imm32" => Enumerable.Repeat(Hole, sizeof(int)),
        "rel64" => Enumerable.Repeat(Hole, sizeof(long)),
        _ => [short.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture)],
    };

    private int FindSecondHole() => Array.IndexOf(_before, Hole, _field + sizeof(int));

    private bool Matches(ReadOnlySpan<byte> section, int offset)
    {
        int start = offset - _field;
        if (start < 0 || section.Length - start < _before.Length)
        {
            return false;
        }

        for (int i = 0; i < _before.Length; i++)
        {
            if (_before[i] is not Hole && _before[i] != section[start + i])
            {
                return false;
            }
        }

        return true;
    }
}
