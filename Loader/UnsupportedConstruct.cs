using ElfLoader.Elf;
using ElfLoader.Images;
using ElfLoader.Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader;

/// <summary>
/// Something valid in an object file that is not supported. One list of them says what links refuse, and lets tools tell it
/// beforehand; the relocation types among them stand in the machines' own tables.
/// </summary>
/// <param name="Name">A short name: <c>executable-stack</c>; of a relocation that of its type.</param>
/// <param name="Code">The code of the error with which a link refuses it.</param>
/// <param name="RefusedBy">The links that refuse it.</param>
/// <param name="Meaning">What it is, in a few words.</param>
/// <param name="Advice">Why it is refused, or what to do about it.</param>
/// <remarks>Immutable, and safe for use by many threads.</remarks>
public sealed record UnsupportedConstruct(
    string Name, LinkErrorCode Code, LinkTargets RefusedBy, string Meaning, string Advice)
{
    /// <summary>Code for a machine that nothing here is known of.</summary>
    public static UnsupportedConstruct Machine { get; } = new(
        "machine",
        LinkErrorCode.Unsupported,
        LinkTargets.Process | LinkTargets.Image,
        "code for a machine that is not known here",
        "objects of this machine can be looked at, but not linked");

    /// <summary>An object of GCC's with nothing but its intermediate code (GCC manual, "-ffat-lto-objects").</summary>
    public static UnsupportedConstruct IntermediateCode { get; } = new(
        "lto",
        LinkErrorCode.Unsupported,
        LinkTargets.Process | LinkTargets.Image,
        "GCC's intermediate code (-flto), without machine code",
        "compile without -flto, or with -ffat-lto-objects");

    /// <summary>A section that is SHF_WRITE and SHF_EXECINSTR.</summary>
    public static UnsupportedConstruct WritableCode { get; } = new(
        "writable-code",
        LinkErrorCode.Unsupported,
        LinkTargets.Process,
        "a section that is writable and executable at once",
        "no mapping here is both: leave 'w' or 'x' out of the section's flags");

    /// <summary>A section that is SHT_NOBITS and SHF_EXECINSTR.</summary>
    public static UnsupportedConstruct CodeWithoutBytes { get; } = new(
        "code-without-bytes",
        LinkErrorCode.Unsupported,
        LinkTargets.Process | LinkTargets.Image,
        "a section of code that has no bytes (SHT_NOBITS)",
        "is this a file of debugging information only?")
    {
        Words = "the section is code but has no bytes (SHT_NOBITS), as in a file of debugging information only",
    };

    /// <summary>
    /// <c>.note.GNU-stack</c> with SHF_EXECINSTR. An object without the section is not taken to need it: it is most often
    /// assembly whose author did not know of it.
    /// </summary>
    public static UnsupportedConstruct ExecutableStack { get; } = new(
        "executable-stack",
        LinkErrorCode.Unsupported,
        LinkTargets.Process,
        "code on the stack: pointers to nested functions (GNU C) or to internal procedures (Fortran)",
        "stacks of this process are not executable: pass the context as an argument instead, or let the compiler put such code "
        + "elsewhere (gcc 14: -ftrampoline-impl=heap); assembly that needs none says so by --noexecstack");

    /// <summary>A section of debugging information that is compressed with something else than zlib.</summary>
    public static UnsupportedConstruct Compression { get; } = new(
        "compression",
        LinkErrorCode.Unsupported,
        LinkTargets.Image,
        "debugging information that is not compressed with zlib",
        "images get it decompressed: use zlib (-gz=zlib) or none (-gz=none)");

    /// <summary>All but relocations.</summary>
    public static IReadOnlyList<UnsupportedConstruct> All { get; } =
        [Machine, IntermediateCode, WritableCode, CodeWithoutBytes, ExecutableStack, Compression];

    /// <summary>What a link says when it refuses it, without the place.</summary>
    public string Message => Words ?? $"{Meaning}: {Advice}";

    /// <summary>The same, where it is not made of the two.</summary>
    private string? Words { get; init; }

    /// <summary>Finds those that an object has, each as often as it has it; relocations are not looked at.</summary>
    /// <param name="elf">The object.</param>
    /// <returns>The constructs, and the section that each is; 0 where it is the whole object.</returns>
    public static IEnumerable<(UnsupportedConstruct Construct, int Section)> In(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        if (!ImageMachine.IsKnown(elf))
        {
            yield return (Machine, 0);
        }

        if (elf.HasIntermediateCodeOnly)
        {
            yield return (IntermediateCode, 0);
        }

        for (int i = 1; i < elf.Sections.Length; i++)
        {
            foreach (UnsupportedConstruct construct in OfSection(elf, i))
            {
                yield return (construct, i);
            }
        }
    }

    /// <summary>The relocation types that no link carries out.</summary>
    /// <param name="architecture">The machine.</param>
    /// <param name="type">The type.</param>
    /// <returns>Null if links carry it out.</returns>
    public static UnsupportedConstruct? OfRelocation(Architecture architecture, uint type)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        RelocationRule? rule = architecture.Relocations[type];
        const LinkTargets all = LinkTargets.Process | LinkTargets.Image;
        return rule switch
        {
            null => new UnsupportedConstruct(
                $"relocation-{type}",
                LinkErrorCode.Unsupported,
                all,
                $"a relocation type that {architecture.Name} does not have",
                "no compiler emits it: how was this object made?")
            {
                Words = $"relocation type {type} is not one of {architecture.Name}'s",
            },
            { Use: RelocationUse.Dynamic } => new UnsupportedConstruct(
                rule.Name,
                LinkErrorCode.Malformed,
                all,
                "a relocation that is for the dynamic loader",
                "it has no meaning in an object file: give the objects that the shared library was made of")
            {
                Words = $"{rule.Name} is for the dynamic loader and has no meaning in a relocatable object",
            },
            { Use: RelocationUse.Refused } => new UnsupportedConstruct(
                rule.Name, LinkErrorCode.Unsupported, all, "a relocation that is not carried out here", $"it {rule.Refusal}")
            {
                Words = $"{rule.Name} {rule.Refusal}",
            },
            _ => null,
        };
    }

    /// <summary>The error for one at a place.</summary>
    internal LinkError At(LinkLocation where) => new(Code, where, Message);

    /// <summary>Those that a section is.</summary>
    internal static IEnumerable<UnsupportedConstruct> OfSection(ElfObject elf, int section)
    {
        SectionHeader header = elf.Sections[section];
        if (IsWritableCode(header))
        {
            yield return WritableCode;
        }

        if (IsCodeWithoutBytes(header))
        {
            yield return CodeWithoutBytes;
        }

        if (IsExecutableStack(elf, section))
        {
            yield return ExecutableStack;
        }

        if (elf.Compression(section) is { Type: not ELFCOMPRESS_ZLIB })
        {
            yield return Compression;
        }
    }

    /// <summary>Whether a section of this header is <see cref="WritableCode"/>.</summary>
    internal static bool IsWritableCode(in SectionHeader header)
    {
        const ulong flags = SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR;
        return (header.Flags & (flags | SHF_EXCLUDE)) == flags;
    }

    /// <summary>Whether a section of this header is <see cref="CodeWithoutBytes"/>.</summary>
    internal static bool IsCodeWithoutBytes(in SectionHeader header) =>
        header.Type is SHT_NOBITS && header.Size > 0
        && (header.Flags & (SHF_ALLOC | SHF_EXECINSTR | SHF_EXCLUDE)) == (SHF_ALLOC | SHF_EXECINSTR);

    /// <summary>Whether a section is <see cref="ExecutableStack"/>.</summary>
    internal static bool IsExecutableStack(ElfObject elf, int section) =>
        elf.WantsExecutableStack && elf.Sections[section].Has(SHF_EXECINSTR)
        && elf.HasSectionName(section, ".note.GNU-stack"u8);
}
