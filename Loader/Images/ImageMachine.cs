using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using ElfLoader.Images.Arm;
using ElfLoader.Linking;

namespace ElfLoader.Images;

/// <summary>What images of one machine have that is not a matter of relocations.</summary>
internal sealed record ImageMachine
{
    private static readonly (ushort Machine, Lazy<ImageMachine> Value)[] All =
    [
        (ElfConstants.EM_X86_64, new(() => new()
        {
            Rules = new LinkRules(X64.Instance),
            DefaultBase = 0x40_0000,
            PageSize = 0x1000,
            IRelative = X64Relocations.R_X86_64_IRELATIVE,
            HasAddends = true,
            Nop = [0x90],
            TlsCode = ImageTlsCode.X64,
        })),
        (ElfConstants.EM_ARM, new(() => new()
        {
            Rules = new LinkRules(Arch.Arm.Arm.Default),
            DefaultBase = 0x1_0000,
            PageSize = 0x1_0000,
            IRelative = ArmRelocationTypes.R_ARM_IRELATIVE,
            HasAddends = false,
            Nop = [0x00, 0x00, 0xa0, 0xe1], // mov r0, r0
            TlsCode = ImageTlsCode.Arm,
            RangeSymbols = [("__exidx_start", "__exidx_end", ExidxTable.Name)],
            StaticBaseSymbol = "__static_base",
            BoundSymbols =
            [
                new("__bss_start__", bounds => bounds.StartOfZeros, LayoutNeeds.ZerosLast),
                new("_bss_end__", bounds => bounds.EndOfData),
                new("__bss_end__", bounds => bounds.EndOfData),
                new("__end__", bounds => bounds.EndOfData),
            ],
            RefusedSymbols =
            [
                ("__acle_se_", "is an entry function of secure code (Armv8-M Security Extensions), which others call through a "
                    + "secure gateway, and gateways are not made"),
            ],
            SectionHeaders = [(ExidxTable.Name, ElfConstants.PT_ARM_EXIDX)],
        })),
    ];

    /// <summary>The machine's relocations.</summary>
    internal required LinkRules Rules { get; init; }

    /// <summary>Address of the first segment, where the caller gives none.</summary>
    internal required ulong DefaultBase { get; init; }

    /// <summary>
    /// Largest page size of the systems that the image is to run on: segments do not share a page, and lie in the file as they
    /// lie in their pages. A power of two.
    /// </summary>
    internal required ulong PageSize { get; init; }

    /// <summary>
    /// Page size of most systems that the image is to run on: what is read-only after relocation ends at a multiple of it.
    /// </summary>
    internal ulong CommonPageSize { get; init; } = 0x1000;

    /// <summary>Type of the relocations that a program applies to itself by calling the resolvers of STT_GNU_IFUNC.</summary>
    internal required uint IRelative { get; init; }

    /// <summary>Whether these relocations are SHT_RELA, not SHT_REL.</summary>
    internal required bool HasAddends { get; init; }

    /// <summary>Fills gaps between pieces of one function: the instruction that does nothing.</summary>
    internal required byte[] Nop { get; init; }

    /// <summary>Functions for thread-local storage that the C library need not have; null where it has them.</summary>
    internal ImageTlsCode? TlsCode { get; init; }

    /// <summary>Names that stand for the start and the end of an output section of this machine.</summary>
    internal IReadOnlyList<(string Start, string End, string Section)> RangeSymbols { get; init; } = [];

    /// <summary>Further names of bounds that GNU ld defines on this machine; start code of newlib reads them.</summary>
    internal IReadOnlyList<LinkerSymbol> BoundSymbols { get; init; } = [];

    /// <summary>Name of the address that variables are relative to where a register has it; null where none ever has.</summary>
    internal string? StaticBaseSymbol { get; init; }

    /// <summary>Prefixes of definitions that ask the linker for what it does not do, and what that is.</summary>
    internal IReadOnlyList<(string Prefix, string Reason)> RefusedSymbols { get; init; } = [];

    /// <summary>An output section of this machine that has a program header of its own.</summary>
    internal IReadOnlyList<(string Section, uint Type)> SectionHeaders { get; init; } = [];

    /// <summary><c>e_flags</c> of the image; null: those of the first object.</summary>
    internal uint? Flags { get; private init; }

    /// <summary>What all objects together say of themselves, where the machine's objects do; else null.</summary>
    internal ArmAttributes? Attributes { get; private init; }

    /// <summary>Its name for messages.</summary>
    private string Name => ElfMachines.NameOf(Rules.Architecture.Machine, Is64Bit);

    /// <summary>Whether addresses have 64 bits.</summary>
    internal bool Is64Bit => Rules.Architecture.AddressBits is 64;

    /// <summary>Size of an address, in bytes.</summary>
    internal int WordSize => Rules.Architecture.AddressSize;

    /// <summary>Whether images are made for the machine that an object is for.</summary>
    internal static bool IsKnown(ElfObject elf) =>
        Array.Exists(All, row => row.Machine == elf.Machine && row.Value.Value.Is64Bit == elf.Is64Bit);

    /// <summary>The machine that an object is for.</summary>
    /// <exception cref="LinkException">It is not supported.</exception>
    internal static ImageMachine Of(ElfObject elf)
    {
        foreach ((ushort machine, Lazy<ImageMachine> value) in All)
        {
            if (machine == elf.Machine && value.Value.Is64Bit == elf.Is64Bit)
            {
                return value.Value;
            }
        }

        throw new LinkException(
            LinkErrorCode.Unsupported,
            new LinkLocation(elf.Name),
            $"the object is for {elf.MachineName}; images are made for "
            + string.Join(" and ", All.Select(row => row.Value.Value.Name)));
    }

    /// <summary>
    /// The machine for an image at an address that the caller gives. It need not be a multiple of the largest page: the image
    /// is then for systems whose pages are no larger than fits the address, or that have none.
    /// </summary>
    internal ImageMachine At(ulong? address) => address is { } start && start % PageSize is not 0
        ? this with { PageSize = start & (~start + 1), CommonPageSize = Math.Min(CommonPageSize, start & (~start + 1)) }
        : this;

    /// <summary>The machine as these objects need it, and the caller wants it.</summary>
    /// <param name="objects">All objects of the image.</param>
    /// <param name="unwinder">The one whose code reads the tables of exceptions; null where there is none.</param>
    /// <param name="hasLinuxStart">Whether the C library of Linux starts the program.</param>
    /// <param name="options">The caller's options.</param>
    /// <param name="errors">Objects that do not go together are reported here.</param>
    /// <param name="warnings">So is what may be a mistake.</param>
    internal ImageMachine For(
        IReadOnlyList<ElfObject> objects,
        ElfObject? unwinder,
        bool hasLinuxStart,
        ImageOptions options,
        LinkErrors errors,
        List<string> warnings)
    {
        if (Rules.Architecture is not Arch.Arm.Arm)
        {
            return this;
        }

        ArmAttributes attributes = ArmAttributes.Merge(objects, errors, warnings);
        return this with
        {
            Rules = new LinkRules(new Arch.Arm.Arm(options.Arm with
            {
                Architecture = attributes.Architecture ?? options.Arm.Architecture,
                Target2 = options.Arm.Target2 ?? ArmTarget2.Of(objects, unwinder, hasLinuxStart, warnings),
            })),
            Flags = attributes.Flags,
            Attributes = attributes,
        };
    }

    /// <summary>Refuses an object of another machine.</summary>
    /// <exception cref="LinkException">It is one.</exception>
    internal void Check(ElfObject elf, ElfObject first)
    {
        if (elf.Machine != Rules.Architecture.Machine || elf.Is64Bit != Is64Bit)
        {
            throw new LinkException(
                LinkErrorCode.Unsupported,
                new LinkLocation(elf.Name),
                $"the object is for {elf.MachineName}, and {first.Name} is for {Name}");
        }
    }
}
