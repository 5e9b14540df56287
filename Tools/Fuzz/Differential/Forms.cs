namespace ElfLoader.Fuzz.Differential;

/// <summary>The places that are generated: what ld.lld knows of both machines.</summary>
internal static class Forms
{
    private const long Int32 = int.MaxValue;
    private const long UInt32 = uint.MaxValue;
    private const long Any = long.MaxValue;

    /// <summary>Those of x86-64; the holes are filled with something, which must not matter.</summary>
    internal static IReadOnlyList<PlaceForm> X64 { get; } =
    [
#pragma warning disable format // columns
        new("64",        ".quad 0x1122334455667788", 8, 0, Origin.Absolute, -Any, Any),
        new("PC64",      ".quad 0x1122334455667788", 8, 0, Origin.Place,    -Any, Any),
        new("32",        ".long 0x11223344",         4, 0, Origin.Absolute, 0, UInt32),
        new("32S",       ".long 0x11223344",         4, 0, Origin.Absolute, -Int32 - 1, Int32),
        new("PC32",      ".long 0x11223344",         4, 0, Origin.Place,    -Int32 - 1, Int32),
        new("16",        ".short 0x1122",            2, 0, Origin.Absolute, -0x8000, 0xffff),
        new("PC16",      ".short 0x1122",            2, 0, Origin.Place,    -0x8000, 0x7fff),
        new("8",         ".byte 0x11",               1, 0, Origin.Absolute, -0x80, 0xff),
        new("PC8",       ".byte 0x11",               1, 0, Origin.Place,    -0x80, 0x7f),
        new("SIZE32",    ".long 0",                  4, 0, Origin.Size,     0, Int32),
        new("SIZE64",    ".quad 0",                  8, 0, Origin.Size,     -Any, Any),
        new("GOTOFF64",  ".quad 0",                  8, 0, Origin.Table,    -Any, Any),
        new("PLTOFF64",  ".quad 0",                  8, 0, Origin.Table,    -Any, Any),
        new("GOTPC32",   ".long 0",                  4, 0, Origin.TableFromPlace, -Int32, Int32),
        new("GOTPC64",   ".quad 0",                  8, 0, Origin.TableFromPlace, -Int32, Int32),
        new("GOT64",     ".quad 0",                  8, 0, Origin.Slot,     -Int32, Int32),
        new("GOTPCREL",  ".byte 0x48,0x8b,0x05; .long 0", 7, 3, Origin.Slot, 0, 0) { Kind = 'x', Addends = [-4] },
        new("PLT32",     ".byte 0xe8; .long 0",      5, 1, Origin.Place, -Int32 - 1, Int32) { Kind = 'x' },
        new("PLT32",     ".byte 0x0f,0x85; .long 0", 6, 2, Origin.Place, -Int32 - 1, Int32) { Kind = 'x' },
        new("PC32",      ".byte 0x48,0x8d,0x3d; .long 0", 7, 3, Origin.Place, -Int32 - 1, Int32) { Kind = 'x' },
        new("32S",       ".byte 0x48,0xc7,0xc0; .long 0", 7, 3, Origin.Absolute, -Int32 - 1, Int32) { Kind = 'x' },
        new("32",        ".byte 0xb8; .long 0",      5, 1, Origin.Absolute, 0, UInt32) { Kind = 'x' },
        new("64",        ".byte 0x48,0xb9; .quad 0", 10, 2, Origin.Absolute, -Any, Any) { Kind = 'x' },
        Relaxed("REX_GOTPCRELX", "0x48,0x8b,0x05", 7),
        Relaxed("REX_GOTPCRELX", "0x4c,0x8b,0x2d", 7),
        Relaxed("REX_GOTPCRELX", "0x48,0x03,0x05", 7),
        Relaxed("REX_GOTPCRELX", "0x4d,0x85,0x25", 7),
        Relaxed("REX_GOTPCRELX", "0x4c,0x3b,0x35", 7),
        Relaxed("GOTPCRELX",     "0x8b,0x0d", 6),
        Relaxed("GOTPCRELX",     "0xff,0x15", 6),
        Relaxed("GOTPCRELX",     "0xff,0x25", 6),
        Relaxed("GOTPCRELX",     "0x2b,0x05", 6),
        new("TPOFF32",   ".long 0", 4, 0, Origin.Tls, -0x1000, 0x1000),
        new("TPOFF64",   ".quad 0", 8, 0, Origin.Tls, -0x1000, 0x1000),
        Text("movq {s}@GOTTPOFF(%rip), %rax", 7),
        Text("addq {s}@GOTTPOFF(%rip), %r12", 7),
        Text("data16 leaq {s}@TLSGD(%rip), %rdi; data16; data16; rex64 callq __tls_get_addr@PLT", 16),
        Text("leaq {s}@TLSLD(%rip), %rdi; callq __tls_get_addr@PLT; leaq {s}@DTPOFF(%rax), %rcx", 19),
        Text("leaq {s}@TLSDESC(%rip), %rax; callq *{s}@TLSCALL(%rax)", 9),
        Text("leaq {s}@TPOFF(%rax), %rdx", 7),
#pragma warning restore format
    ];

    /// <summary>Those of 32-bit Arm.</summary>
    internal static IReadOnlyList<PlaceForm> Arm { get; } = [.. ArmForms()];

    /// <summary>More of 32-bit Arm, which ld.lld does not know, or knows by other limits.</summary>
    internal static IReadOnlyList<PlaceForm> ArmOthers { get; } =
    [
#pragma warning disable format // columns
        new("ABS16",         ".short {0}",            2, 0, Origin.Absolute, -0x8000, 0xffff) { Addends = [0, 1, -1], IsOfGnu = true },
        new("ABS8",          ".byte {0}",             1, 0, Origin.Absolute, -0x80, 0xff)     { Addends = [0, 1, -1], IsOfGnu = true },
        new("ABS32_NOI",     ".long {0}",             4, 0, Origin.Absolute, 0, UInt32)       { Addends = [0, 4, -8], IsOfGnu = true },
        new("REL32_NOI",     ".long {0}",             4, 0, Origin.Place, -0x4000_0000, 0x4000_0000) { Addends = [0, 4, -8], IsOfGnu = true },
        new("PLT32_ABS",     ".long {0}",             4, 0, Origin.Absolute, 0, UInt32)       { Addends = [0, 4, -8] },
        new("GOT_ABS",       ".long {0}",             4, 0, Origin.Slot, 0, 0)                { Addends = [0, 4, -8] },
        new("ABS12",         "ldr r0, [r1, #{0}]",    4, 0, Origin.Absolute, -4095, 4095)     { Kind = 'a', Addends = [0, 4, -8], Targets = "d", IsOfGnu = true },
        new("THM_ABS5",      "ldr r0, [r1, #{0}]",    2, 0, Origin.Absolute, 0, 124)          { Kind = 't', Step = 4, Addends = [0, 4], Targets = "d" },
        new("THM_JUMP6",     "cbz r0, #{0}",          2, 0, Origin.Place, 0, 126)             { Kind = 't', Step = 2, Addends = [0, 2], Targets = "t" },
        new("LDC_PC_G0",     "ldc p1, c2, [pc, #{0}]", 4, 0, Origin.Place, -1020, 1020)       { Kind = 'a', Step = 4, Addends = [0, 4, -8], Targets = "d", IsOfGnu = true },
        new("ALU_PC_G1",     "add r0, pc, #{0}",      4, 0, Origin.Place, -0xffff, 0xffff)    { Kind = 'a', Addends = [0, 4], Targets = "d", IsOfGnu = true },
        new("LDR_PC_G2",     "ldr r0, [r0, #{0}]",    4, 0, Origin.Place, -0xfff_ffff, 0xfff_ffff) { Kind = 'a', Addends = [0, 4], Targets = "d", IsOfGnu = true },
        new("TLS_IE32",      ".long {0}",             4, 0, Origin.Tls, 0, 0x1000),
        new("TLS_GD32",      ".long {0}",             4, 0, Origin.Tls, 0, 0x1000),
        new("TLS_LDM32",     ".long {0}",             4, 0, Origin.Tls, 0, 0x1000),
#pragma warning restore format
    ];

    /// <summary>Those of 32-bit Arm that count from the static base; linkers do not agree on what that is.</summary>
    internal static IReadOnlyList<PlaceForm> ArmStaticBase { get; } = [.. StaticBaseForms()];

    private static PlaceForm Relaxed(string type, string code, int size) =>
        new(type, $".byte {code}; .long 0", size, size - 4, Origin.Slot, 0, 0) { Kind = 'x', Addends = [-4, -4, -4, 0], MayRelax = true };

    private static PlaceForm Text(string code, int size) => new("", code, size, 0, Origin.Text, 0, 0) { Kind = 'x' };

    private static IEnumerable<PlaceForm> StaticBaseForms()
    {
        const long far = 0x1_ffff;
        yield return new("SBREL32", ".long {0}", 4, 0, Origin.StaticBase, 0, far) { Addends = [0, 4, -8] };
        yield return new("BASE_ABS", ".long {0}", 4, 0, Origin.StaticBase, 0, 0) { Addends = [0, 4, -8] };
        yield return new("SBREL31", ".long ({0}) & 0x7fffffff", 4, 0, Origin.StaticBase, -(1L << 30), (1L << 30) - 1) { Addends = [0, (1L << 30) - 1, -(1L << 30)] };
        yield return new("LDR_SBREL_11_0_NC", "ldr r0, [r1, #{0}]", 4, 0, Origin.StaticBase, 0, far) { Kind = 'a', Addends = [0, 4], Targets = "ad" };
        yield return new("ALU_SBREL_19_12_NC", "add r0, r1, #{0}", 4, 0, Origin.StaticBase, 0, far) { Kind = 'a', Addends = [0, 4], Targets = "ad" };
        yield return new("ALU_SBREL_27_20_CK", "add r0, r1, #{0}", 4, 0, Origin.StaticBase, 0, far) { Kind = 'a', Addends = [0, 4], Targets = "ad" };
        foreach ((string prefix, char kind) in ((string, char)[])[("", 'a'), ("THM_", 't')])
        {
            long[] addends = [0, 4, -0x8000];
            yield return new(prefix + "MOVW_BREL_NC", "movw r1, #({0}) & 0xffff", 4, 0, Origin.StaticBase, 0, far) { Kind = kind, Addends = addends };
            yield return new(prefix + "MOVT_BREL", "movt r1, #({0}) & 0xffff", 4, 0, Origin.StaticBase, 0, far) { Kind = kind, Addends = addends };
            yield return new(prefix + "MOVW_BREL", "movw r1, #({0}) & 0xffff", 4, 0, Origin.StaticBase, -0x8000, 0xffff) { Kind = kind, Addends = addends };
        }

        for (int i = 0; i < 3; i++)
        {
            foreach (string end in (string[])(i < 2 ? ["", "_NC"] : [""]))
            {
                yield return new($"ALU_SB_G{i}{end}", "add r0, r1, #{0}", 4, 0, Origin.StaticBase, 0, end is "" && i is 0 ? 0xff : far) { Kind = 'a', Addends = [0, 4, 0xff0], Targets = "ad" };
            }

            yield return new($"LDR_SB_G{i}", "ldr r0, [r1, #{0}]", 4, 0, Origin.StaticBase, i is 0 ? -4095 : 0, i is 0 ? 4095 : far) { Kind = 'a', Addends = [0, 4, -4095], Targets = "ad" };
            yield return new($"LDRS_SB_G{i}", "ldrd r0, r1, [r1, #{0}]", 4, 0, Origin.StaticBase, i is 0 ? -255 : 0, i is 0 ? 255 : 0xffff) { Kind = 'a', Addends = [0, 4, -255], Targets = "ad" };
            yield return new($"LDC_SB_G{i}", "ldc p1, c2, [r1, #{0}]", 4, 0, Origin.StaticBase, i is 0 ? -1020 : 0, i is 0 ? 1020 : far) { Kind = 'a', Step = 4, Addends = [0, 4, -1020], Targets = "ad" };
        }
    }

    private static IEnumerable<PlaceForm> ArmForms()
    {
        const long word = 0xffff_ffff;
        long[] words = [0, 0, 1, 4, -4, 0x1234, -0x5678, int.MaxValue, int.MinValue];
        foreach (string type in (string[])["ABS32", "TARGET1"])
        {
            yield return new(type, ".long {0}", 4, 0, Origin.Absolute, 0, word) { Addends = words };
        }

        yield return new("REL32", ".long {0}", 4, 0, Origin.Place, -0x4000_0000, 0x4000_0000) { Addends = words };
        yield return new("PREL31", ".long ({0}) & 0x7fffffff", 4, 0, Origin.Place, -(1L << 30), (1L << 30) - 1) { Addends = [0, 0, -8, 4, 0x3fff_fff0] };
        yield return new("GOTOFF32", ".long {0}", 4, 0, Origin.Table, -0x4000_0000, 0x4000_0000) { Addends = [0, 4, -8] };
        yield return new("BASE_PREL", ".long {0}", 4, 0, Origin.TableFromPlace, 0, 0) { Addends = [0, 4, -8] };
        foreach (string type in (string[])["GOT_PREL", "GOT_BREL", "TARGET2"])
        {
            yield return new(type, ".long {0}", 4, 0, Origin.Slot, 0, 0) { Addends = [0, 4, -8, 0x100] };
        }

        foreach (string type in (string[])["TLS_LE32", "TLS_LDO32"])
        {
            yield return new(type, ".long {0}", 4, 0, Origin.Tls, 0, 0x1000) { Addends = [0, 4, 0x100] };
        }

        foreach ((string type, string code) in ((string, string)[])
            [("CALL", "bl"), ("CALL", "blx"), ("JUMP24", "b"), ("JUMP24", "beq"), ("JUMP24", "bleq"), ("PLT32", "bl"), ("PC24", "b")])
        {
            yield return new(type, code + " #{0}", 4, 0, Origin.Place, -0x200_0000, 0x1ff_fffc) { Kind = 'a', Step = 4, Addends = [-8, -8, -8, 0, 4, -0x100], Targets = "at" };
        }

        foreach ((string type, string code, long reach) in ((string, string, long)[])
            [("THM_CALL", "bl", 1 << 24), ("THM_CALL", "blx", 1 << 24), ("THM_JUMP24", "b.w", 1 << 24), ("THM_JUMP19", "beq.w", 1 << 20)])
        {
            yield return new(type, code + " #{0}", 4, 0, Origin.Place, -reach, reach - 2) { Kind = 't', Step = code is "blx" ? 4 : 2, Addends = [-4, -4, -4, 0, 4, -0x100], Targets = "at" };
        }

        yield return new("THM_JUMP11", "b.n #{0}", 2, 0, Origin.Place, -2048, 2046) { Kind = 't', Step = 2, Addends = [-4, -4, 0, 0x40], Targets = "t" };
        yield return new("THM_JUMP8", "beq.n #{0}", 2, 0, Origin.Place, -256, 254) { Kind = 't', Step = 2, Addends = [-4, -4, 0, 0x40], Targets = "t" };
        foreach ((string name, Origin origin) in ((string, Origin)[])[("ABS", Origin.Absolute), ("PREL", Origin.Place)])
        {
            foreach ((string prefix, char kind) in ((string, char)[])[("", 'a'), ("THM_", 't')])
            {
                long low = origin is Origin.Absolute ? 0 : -0x4000_0000;
                long high = origin is Origin.Absolute ? word : 0x4000_0000;
                yield return new($"{prefix}MOVW_{name}_NC", "movw r1, #({0}) & 0xffff", 4, 0, origin, low, high) { Kind = kind, Addends = [0, 0, 1, 4, -8, 0x7fff, -0x8000] };
                yield return new($"{prefix}MOVT_{name}", "movt r1, #({0}) & 0xffff", 4, 0, origin, low, high) { Kind = kind, Addends = [0, 0, 1, 4, -8, 0x7fff, -0x8000] };
            }
        }

        foreach (string type in (string[])["ALU_PC_G0_NC", "ALU_PC_G1_NC", "ALU_PC_G2"])
        {
            yield return new(type, "add r0, pc, #{0}", 4, 0, Origin.Place, -0xff_ffff, 0xff_ffff) { Kind = 'a', Addends = [0, 4, 0xff0], Targets = "ad" };
        }

        yield return new("ALU_PC_G0", "add r0, pc, #{0}", 4, 0, Origin.Place, -0xff, 0xff) { Kind = 'a', Addends = [0, 4], Targets = "ad" };
        yield return new("LDR_PC_G0", "ldr r0, [pc, #{0}]", 4, 0, Origin.Place, -4095, 4095) { Kind = 'a', Addends = [0, 4, -8, 4095], Targets = "ad" };
        yield return new("LDR_PC_G1", "ldr r0, [r0, #{0}]", 4, 0, Origin.Place, -0xf_ffff, 0xf_ffff) { Kind = 'a', Addends = [0, 4], Targets = "ad" };
        yield return new("LDRS_PC_G0", "ldrd r0, r1, [pc, #{0}]", 4, 0, Origin.Place, -255, 255) { Kind = 'a', Addends = [0, 4, -8], Targets = "ad" };
        yield return new("THM_ALU_PREL_11_0", "addw r0, pc, #{0}", 4, 0, Origin.RoundedPlace, -4095, 4095) { Kind = 't', Addends = [0, 4, 100], Targets = "ad" };
        yield return new("THM_PC12", "ldr.w r0, [pc, #{0}]", 4, 0, Origin.RoundedPlace, -4095, 4095) { Kind = 't', Addends = [0, 4, 100], Targets = "ad" };
        yield return new("THM_PC8", "ldr.n r0, [pc, #({0}) & 0x3ff]", 2, 0, Origin.RoundedPlace, 0, 1020) { Kind = 't', Step = 4, Addends = [0, 4, 100], Targets = "ad" };
        for (int i = 0; i < 4; i++)
        {
            yield return new(i is 3 ? "THM_ALU_ABS_G3" : $"THM_ALU_ABS_G{i}_NC", "movs r0, #{0}", 2, 0, Origin.Absolute, 0, word) { Kind = 't', Addends = [0, 1, 200], Targets = "ad" };
        }
    }
}
