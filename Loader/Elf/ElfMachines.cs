using System.Globalization;

namespace ElfLoader.Elf;

/// <summary>
/// Names of machines, by the registry of <c>e_machine</c> (gABI, "ELF Header") and by the numbers that toolchains used before
/// theirs was registered.
/// </summary>
public static class ElfMachines
{
#pragma warning disable format
    /// <summary>Sorted by number. The second name is that of 64-bit files, where it differs.</summary>
    private static readonly (ushort Number, string Name, string? In64Bits)[] Rows =
    [
        (1, "WE 32100", null), (2, "SPARC", null),
        (3, "i386", "i386 in a 64-bit file"),
        (4, "Motorola 68000", null), (5, "Motorola 88000", null), (6, "Intel MCU", null), (7, "Intel 80860", null),
        (8, "MIPS", "64-bit MIPS"),
        (9, "IBM System/370", null), (10, "little-endian MIPS RS3000", null),
        (15, "PA-RISC", "64-bit PA-RISC"),
        (17, "Fujitsu VPP500", null), (18, "SPARC V8+", null), (19, "Intel 80960", null),
        (20, "PowerPC", null), (21, "PowerPC64", null), (22, "s390", "s390x"), (23, "IBM SPU", null),
        (36, "NEC V800", null), (37, "Fujitsu FR20", null), (38, "TRW RH-32", null), (39, "Motorola RCE", null),
        (40, "ARM", "ARM in a 64-bit file"),
        (41, "Digital Alpha", null), (42, "SuperH", null), (43, "SPARC V9", null), (44, "Siemens TriCore", null),
        (45, "Argonaut RISC Core", null), (46, "Hitachi H8/300", null), (47, "Hitachi H8/300H", null), (48, "Hitachi H8S", null),
        (49, "Hitachi H8/500", null), (50, "Itanium", null), (51, "Stanford MIPS-X", null), (52, "Motorola ColdFire", null),
        (53, "Motorola 68HC12", null), (54, "Fujitsu MMA", null), (55, "Siemens PCP", null), (56, "Sony nCPU", null),
        (57, "Denso NDR1", null), (58, "Motorola Star*Core", null), (59, "Toyota ME16", null), (60, "STMicroelectronics ST100", null),
        (61, "Tinyj", null),
        (62, "x86-64 with 32-bit addresses (x32)", "x86-64"),
        (63, "Sony DSP", null), (64, "PDP-10", null), (65, "PDP-11", null), (66, "Siemens FX66", null),
        (67, "STMicroelectronics ST9+", null), (68, "STMicroelectronics ST7", null), (69, "Motorola 68HC16", null),
        (70, "Motorola 68HC11", null), (71, "Motorola 68HC08", null), (72, "Motorola 68HC05", null), (73, "Silicon Graphics SVx", null),
        (74, "STMicroelectronics ST19", null), (75, "VAX", null), (76, "Axis CRIS", null), (77, "Infineon Javelin", null),
        (78, "Element 14 FirePath", null), (79, "LSI Logic ZSP", null), (80, "MMIX", null),
        (81, "Harvard's machine-independent format", null), (82, "SiTera Prism", null), (83, "AVR", null), (84, "Fujitsu FR30", null),
        (85, "Mitsubishi D10V", null), (86, "Mitsubishi D30V", null), (87, "NEC V850", null), (88, "Mitsubishi M32R", null),
        (89, "Matsushita MN10300", null), (90, "Matsushita MN10200", null), (91, "picoJava", null), (92, "OpenRISC", null),
        (93, "ARCompact", null), (94, "Xtensa", null), (95, "VideoCore", null), (96, "Thompson TMM GPP", null), (97, "NS32000", null),
        (98, "Tenor TPC", null), (99, "Trebia SNP 1000", null), (100, "STMicroelectronics ST200", null), (101, "Ubicom IP2xxx", null),
        (102, "MAX", null), (103, "CompactRISC", null), (104, "Fujitsu F2MC16", null), (105, "MSP430", null), (106, "Blackfin", null),
        (107, "Seiko Epson S1C33", null), (108, "Sharp SEP", null), (109, "Arca", null), (110, "UniCore", null), (111, "eXcess", null),
        (112, "Icera DXP", null), (113, "Nios II", null), (114, "CompactRISC CRX", null), (115, "Motorola XGATE", null),
        (116, "Infineon C16x", null), (117, "Renesas M16C", null), (118, "dsPIC30F", null), (119, "Freescale CE", null),
        (120, "Renesas M32C", null), (131, "Altium TSK3000", null), (132, "Freescale RS08", null), (133, "SHARC", null),
        (134, "Cyan eCOG2", null), (135, "Sunplus S+core7", null), (136, "NJR 24-bit DSP", null), (137, "VideoCore III", null),
        (138, "LatticeMico32", null), (139, "Seiko Epson C17", null), (140, "TI C6000", null), (141, "TI C2000", null),
        (142, "TI C5500", null), (143, "TI ARP32", null), (144, "TI PRU", null), (160, "STMicroelectronics MMDSP+", null),
        (161, "Cypress M8C", null), (162, "Renesas R32C", null), (163, "TriMedia", null), (164, "Hexagon", null), (165, "8051", null),
        (166, "STMicroelectronics STxP7x", null), (167, "NDS32", null), (168, "Cyan eCOG1X", null), (169, "MAXQ30", null),
        (170, "NJR 16-bit DSP", null), (171, "M2000 MANIK", null), (172, "Cray NV2", null), (173, "Renesas RX", null), (174, "META", null),
        (175, "Elbrus", null), (176, "Cyan eCOG16", null), (177, "CompactRISC CR16", null), (178, "Freescale ETPU", null),
        (179, "Infineon SLE9X", null), (180, "Intel L10M", null), (181, "Intel K10M", null),
        (183, "AArch64 with 32-bit addresses (ILP32)", "AArch64"),
        (185, "AVR32", null), (186, "STM8", null), (187, "TILE64", null), (188, "TILEPro", null), (189, "MicroBlaze", null),
        (190, "CUDA", null), (191, "TILE-Gx", null), (192, "CloudShield", null), (193, "Core-A, first generation", null),
        (194, "Core-A, second generation", null), (195, "ARCv2", null), (196, "Open8", null), (197, "Renesas RL78", null),
        (198, "VideoCore V", null), (199, "Renesas 78K0R", null), (200, "Freescale 56800EX", null), (201, "Beyond BA1", null),
        (202, "Beyond BA2", null), (203, "XCore", null), (204, "8-bit PIC", null), (205, "Intel graphics", null), (210, "KM32", null),
        (211, "KMX32", null), (212, "KMX16", null), (213, "KMX8", null), (214, "KVARC", null), (215, "Paneve CDP", null),
        (216, "Cognitive Smart Memory", null), (217, "Bluechip CoolEngine", null), (218, "Nanoradio", null), (219, "CSR Kalimba", null),
        (220, "Z80", null), (221, "VISIUM", null), (222, "FT32", null), (223, "Moxie", null), (224, "AMD GPU", null),
        (243, "32-bit RISC-V", "64-bit RISC-V"),
        (244, "Lanai", null), (245, "CEVA", null), (246, "CEVA X2", null), (247, "BPF", null), (248, "Graphcore IPU", null),
        (249, "Imagination IMG1", null), (250, "Netronome NFP", null), (251, "NEC Vector Engine", null), (252, "C-SKY", null),
        (253, "64-bit ARCv3", null), (254, "MOS 6502", null), (255, "32-bit ARCv3", null), (256, "Kalray KVX", null),
        (257, "WDC 65816", null),
        (258, "32-bit LoongArch", "64-bit LoongArch"),
        (259, "ChipON KF32", null), (260, "LAPIS U16/U8", null), (261, "Tachyum", null), (262, "NXP 56800EF", null),
        (263, "Solana BPF", null), (264, "AMD AI Engine", null), (265, "SiMa MLA", null), (266, "Cambricon BANG", null),
        (267, "LoongGPU", null), (268, "SW64", null), (269, "AMD AI Engine control code", null),

        // Not registered, but found in files.
        (0x1057, "AVR", null), (0x1059, "MSP430", null), (0x1223, "Epiphany", null), (0x2530, "Morpho MT", null), (0x3330, "Fujitsu FR30", null),
        (0x5441, "FRV", null), (0x5aa5, "DLX", null), (0x7650, "Mitsubishi D10V", null), (0x7676, "Mitsubishi D30V", null),
        (0x8217, "Ubicom IP2xxx", null), (0x9025, "PowerPC", null), (0x9026, "Digital Alpha", null), (0x9041, "Mitsubishi M32R", null),
        (0x9080, "NEC V850", null), (0xa390, "s390", "s390x"), (0xabc7, "Xtensa", null), (0xad45, "XSTORMY16", null),
        (0xbaab, "MicroBlaze", null), (0xbeef, "Matsushita MN10300", null), (0xdead, "Matsushita MN10200", null),
        (0xfeb0, "Renesas M32C", null), (0xfeba, "Vitesse IQ2000", null), (0xfebb, "Nios", null), (0xfeed, "Moxie", null),
    ];
#pragma warning restore format

    /// <summary>Returns a machine's name for messages: <c>AArch64</c>.</summary>
    /// <param name="machine"><c>e_machine</c>.</param>
    /// <param name="is64Bit">Whether the file is of ELFCLASS64: some machines have files of both.</param>
    public static string NameOf(ushort machine, bool is64Bit) => Find(machine, is64Bit)
        ?? string.Create(CultureInfo.InvariantCulture, $"an unknown machine (e_machine {machine})");

    /// <summary>The name; null where the number is in no list.</summary>
    internal static string? Find(ushort machine, bool is64Bit)
    {
        int low = 0, high = Rows.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            (ushort number, string name, string? in64Bits) = Rows[middle];
            if (number == machine)
            {
                return is64Bit ? in64Bits ?? name : name;
            }

            (low, high) = number < machine ? (middle + 1, high) : (low, middle - 1);
        }

        return null;
    }
}
