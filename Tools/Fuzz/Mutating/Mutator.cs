using System.Buffers.Binary;
using System.Text;
using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Changes files: fields to what often matters for them, entries of tables for one another, single bytes, length.</summary>
internal sealed class Mutator
{
    private static readonly uint[] SectionTypes =
    [
        SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_NOTE, SHT_NOBITS, SHT_REL, SHT_INIT_ARRAY, SHT_FINI_ARRAY,
        SHT_PREINIT_ARRAY, SHT_GROUP, SHT_SYMTAB_SHNDX, SHT_CREL, SHT_CREL_LLVM, SHT_LLVM_ADDRSIG, SHT_X86_64_UNWIND,
        SHT_ARM_ATTRIBUTES, SHT_DYNAMIC, SHT_HASH, SHT_GNU_ATTRIBUTES,
    ];

    private static readonly ulong[] SectionFlags =
    [
        SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_MERGE, SHF_STRINGS, SHF_INFO_LINK, SHF_LINK_ORDER, SHF_GROUP, SHF_TLS,
        SHF_COMPRESSED, SHF_GNU_RETAIN, SHF_X86_64_LARGE, SHF_EXCLUDE, SHF_ARM_PURECODE,
    ];

    private static readonly ushort[] ReservedIndices =
        [SHN_UNDEF, SHN_LORESERVE, SHN_X86_64_LCOMMON, SHN_ABS, SHN_COMMON, SHN_XINDEX, 0xfeff];

    private static readonly byte[] SymbolTypes =
    [
        STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_SECTION, STT_FILE, STT_COMMON, STT_TLS, STT_GNU_IFUNC, STT_ARM_TFUNC, 7, 15,
    ];

    private static readonly byte[] Bindings =
        [STB_LOCAL, STB_GLOBAL, STB_GLOBAL, STB_WEAK, STB_WEAK, STB_GNU_UNIQUE, 3, 15];

    private static readonly byte[] ByteLimits = [0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x7f, 0x80, 0xff, (byte)' ', (byte)'9', (byte)'/'];

    /// <summary>Paths for the members of thin archives: what waits, has no end, or is somewhere else.</summary>
    private static readonly string[] Paths =
        ["pipe", "/dev/zero", "/dev/tty", "/proc/self/mem", ".", "..", "/", "../x.o", "a\0b", "/etc/hostname", "mutant.a"];

    private static readonly uint[] X64Types = Types(X64Relocations.Table);
    private static readonly uint[] ArmTypes = Types(Arm.Default.Relocations);

    /// <summary>How often each kind is chosen; the deep ones more often, so that mutants get past the reader.</summary>
    private static readonly int[] Weights = new int[Enum.GetValues<SiteKind>().Length];

    private readonly IReadOnlyList<Seed> _donors;

    static Mutator()
    {
        Array.Fill(Weights, 3);
        Weights[(int)SiteKind.RelocationOffset] = 9;
        Weights[(int)SiteKind.RelocationType] = 12;
        Weights[(int)SiteKind.RelocationSymbol] = 12;
        Weights[(int)SiteKind.RelocationAddend] = 12;
        Weights[(int)SiteKind.Place] = 12;
        Weights[(int)SiteKind.Crel] = 12;
        Weights[(int)SiteKind.Content] = 8;
        Weights[(int)SiteKind.SymbolInfo] = 6;
        Weights[(int)SiteKind.SymbolValue] = 8;
        Weights[(int)SiteKind.SectionFlags] = 5;
        Weights[(int)SiteKind.SectionAlignment] = 4;
        Weights[(int)SiteKind.FileHeader] = 1;
        Weights[(int)SiteKind.SectionRange] = 2;
        Weights[(int)SiteKind.SectionOther] = 2;
        Weights[(int)SiteKind.MemberHeader] = 5;
        Weights[(int)SiteKind.ArchiveIndex] = 6;
        Weights[(int)SiteKind.MemberPath] = 2;
    }

    internal Mutator(IReadOnlyList<Seed> donors) => _donors = donors;

    /// <summary>Makes a mutant.</summary>
    /// <param name="seed">Whose fields are known.</param>
    /// <param name="parent">The seed's bytes, or those of a mutant of it that was found to be interesting.</param>
    /// <param name="random">What decides.</param>
    internal byte[] Mutate(Seed seed, byte[] parent, ref FuzzRandom random)
    {
        byte[] mutant = [.. parent];
        int changes = 1;
        while (changes < 6 && random.Percent(45))
        {
            changes++;
        }

        for (int i = 0; i < changes; i++)
        {
            Change(seed, ref mutant, ref random);
        }

        return mutant;
    }

    private static uint[] Types(RelocationTable table) => [.. table.Rules.Select(rule => rule.Type)];

    private void Change(Seed seed, ref byte[] mutant, ref FuzzRandom random)
    {
        int choice = random.Below(100);
        if (choice < 78)
        {
            Site site = PickSite(seed, ref random);
            if (site.Offset + site.Width <= mutant.Length)
            {
                Write(mutant, site, seed.Machine, ref random);
            }
        }
        else if (choice < 86)
        {
            ChangeByte(mutant, random.Below(mutant.Length), ref random);
        }
        else if (choice < 94)
        {
            MixEntries(seed, mutant, ref random);
        }
        else if (choice < 98)
        {
            Splice(mutant, ref random);
        }
        else if (random.Percent(50))
        {
            Array.Resize(ref mutant, 1 + random.Below(mutant.Length));
        }
        else
        {
            Array.Resize(ref mutant, mutant.Length + 1 + random.Below(256));
        }
    }

    private static Site PickSite(Seed seed, ref FuzzRandom random)
    {
        int total = 0;
        foreach (Site[] kind in seed.Kinds)
        {
            total += Weights[(int)kind[0].Kind];
        }

        int at = random.Below(total);
        foreach (Site[] kind in seed.Kinds)
        {
            at -= Weights[(int)kind[0].Kind];
            if (at < 0)
            {
                return kind[random.Below(kind.Length)];
            }
        }

        return seed.Kinds[0][0];
    }

    private static void Write(byte[] mutant, in Site site, ushort machine, ref FuzzRandom random)
    {
        if (site.Kind is SiteKind.MemberPath)
        {
            byte[] path = Encoding.UTF8.GetBytes(random.Pick<string>(Paths) + "/\n");
            path.AsSpan(0, Math.Min(path.Length, site.Width)).CopyTo(mutant.AsSpan(site.Offset));
            return;
        }

        Span<byte> field = mutant.AsSpan(site.Offset, site.Width);
        long old = Read(field);
        uint[] types = machine is EM_ARM ? ArmTypes : X64Types;
        switch (site.Kind)
        {
            case SiteKind.RelocationOffset:
                Put(field, random.Below(8) switch
                {
                    0 => old + random.Below(17) - 8,
                    1 => site.Bound - random.Below(9) + 1,
                    2 => random.Limit(),
                    _ => (long)(random.Next() % (ulong)Math.Max(1, site.Bound)),
                });
                break;
            case SiteKind.RelocationType:
                Put(field, random.Percent(90) ? random.Pick<uint>(types) : random.Below(256));
                break;
            case SiteKind.RelocationSymbol:
                Put(field, Index(site.Bound, ref random));
                break;
            case SiteKind.RelocationAddend or SiteKind.SymbolValue:
                Put(field, random.Percent(40) ? old + random.Below(33) - 16
                    : random.Percent(50) ? random.Below(64) : random.Limit(Math.Min(64, site.Width * 8)));
                break;
            case SiteKind.SymbolInfo:
                Put(field, (random.Pick<byte>(Bindings) << 4) | random.Pick<byte>(SymbolTypes));
                break;
            case SiteKind.SymbolSection:
                Put(field, random.Percent(75) ? Index(site.Bound, ref random) : random.Pick<ushort>(ReservedIndices));
                break;
            case SiteKind.NameOffset or SiteKind.SectionIndex:
                Put(field, Index(Math.Max(2, site.Bound), ref random));
                break;
            case SiteKind.SectionType:
                Put(field, random.Pick<uint>(SectionTypes));
                break;
            case SiteKind.SectionFlags:
                Put(field, old ^ (long)random.Pick<ulong>(SectionFlags));
                break;
            case SiteKind.SectionRange:
                Put(field, random.Below(4) switch
                {
                    0 => random.Limit(site.Width * 8),
                    1 => random.Below((int)site.Bound + 2),
                    2 => 0,
                    _ => old + random.Below(49) - 24,
                });
                break;
            case SiteKind.SectionAlignment:
                Put(field, random.Percent(60) ? 1L << random.Below(14)
                    : random.Percent(60) ? 1L << random.Below(site.Width * 8) : random.Limit(site.Width * 8));
                break;
            case SiteKind.SectionOther:
                Put(field, random.Percent(50) ? random.Below(32) : random.Limit(site.Width * 8));
                break;
            default:
                for (int i = 0; i < field.Length; i++)
                {
                    ChangeByte(mutant, site.Offset + i, ref random);
                }

                break;
        }
    }

    /// <summary>Nearly always one that there is.</summary>
    private static long Index(long count, ref FuzzRandom random) => random.Below(20) switch
    {
        0 => count + random.Below(3) - 1,
        1 => random.Limit(32),
        _ => random.Below((int)count),
    };

    private static void ChangeByte(byte[] mutant, int at, ref FuzzRandom random) => mutant[at] = random.Below(4) switch
    {
        0 => (byte)random.Next(),
        1 => (byte)(mutant[at] ^ (1 << random.Below(8))),
        2 => (byte)(mutant[at] + random.Below(5) - 2),
        _ => random.Pick<byte>(ByteLimits),
    };

    /// <summary>Exchanges two entries of tables, or puts one over another; mostly neighbours, which have one size.</summary>
    private static void MixEntries(Seed seed, byte[] mutant, ref FuzzRandom random)
    {
        (int offset, int size) = seed.Entries[random.Below(seed.Entries.Length)];
        (int other, int otherSize) = seed.Entries[random.Below(seed.Entries.Length)];
        for (int i = 0; i < 8 && otherSize != size; i++)
        {
            (other, otherSize) = seed.Entries[random.Below(seed.Entries.Length)];
        }

        if (size != otherSize || Math.Max(offset, other) + size > mutant.Length)
        {
            return;
        }

        Span<byte> first = mutant.AsSpan(offset, size);
        Span<byte> second = mutant.AsSpan(other, size);
        byte[] kept = first.ToArray();
        second.CopyTo(first);
        if (random.Percent(60))
        {
            kept.CopyTo(second);
        }
    }

    /// <summary>Puts bytes of this or of another file somewhere.</summary>
    private void Splice(byte[] mutant, ref FuzzRandom random)
    {
        byte[] donor = random.Percent(50) ? mutant : _donors[random.Below(_donors.Count)].Bytes;
        int length = 1 + random.Below(Math.Min(random.Percent(80) ? 24 : 256, Math.Min(donor.Length, mutant.Length)));
        donor.AsSpan(random.Below(donor.Length - length + 1), length).ToArray()
            .CopyTo(mutant, random.Below(mutant.Length - length + 1));
    }

    private static long Read(ReadOnlySpan<byte> field)
    {
        Span<byte> word = stackalloc byte[8];
        word.Clear();
        field.CopyTo(word);
        return BinaryPrimitives.ReadInt64LittleEndian(word);
    }

    private static void Put(Span<byte> field, long value)
    {
        Span<byte> word = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(word, value);
        word[..field.Length].CopyTo(field);
    }
}
