namespace ElfLoader.Fuzz.Differential;

/// <summary>What a value counts from.</summary>
internal enum Origin
{
    /// <summary>Nothing: S + A.</summary>
    Absolute,

    /// <summary>The place: S + A - P.</summary>
    Place,

    /// <summary>The place, rounded down to a multiple of four.</summary>
    RoundedPlace,

    /// <summary>The table: S + A - GOT.</summary>
    Table,

    /// <summary>The static base of the symbol's segment: S + A - B.</summary>
    StaticBase,

    /// <summary>The size of the symbol.</summary>
    Size,

    /// <summary>A slot, whose address must be found from the bytes: it is the linker's own business.</summary>
    Slot,

    /// <summary>The distance from the place to the table, whatever the symbol.</summary>
    TableFromPlace,

    /// <summary>A thread-local variable's offset: the value is a small one.</summary>
    Tls,

    /// <summary>Instructions with several relocations, written as assembly with the name of a symbol in it.</summary>
    Text,
}

/// <summary>A place to relocate: code or data with a hole.</summary>
/// <param name="Type">Name of the relocation type, without the machine's prefix.</param>
/// <param name="Code">Assembly, with {0} for the addend where it stands in the code, or {s} for the symbol of a text.</param>
/// <param name="Size">Bytes of it.</param>
/// <param name="Field">Offset of the relocated field.</param>
/// <param name="Origin">What the value counts from.</param>
/// <param name="Minimum">The least value that fits.</param>
/// <param name="Maximum">The greatest value that fits.</param>
internal sealed record PlaceForm(string Type, string Code, int Size, int Field, Origin Origin, long Minimum, long Maximum)
{
    /// <summary>Values are multiples of it.</summary>
    internal int Step { get; init; } = 1;

    /// <summary>Addends to choose from: of machines that keep them in the code.</summary>
    internal long[] Addends { get; init; } = [0];

    /// <summary>Whether it is code, of A32 (a), Thumb (t), x86-64 (x), or data (d).</summary>
    internal char Kind { get; init; } = 'd';

    /// <summary>Targets that make sense: functions (a, t), data (d).</summary>
    internal string Targets { get; init; } = "atd";

    /// <summary>Whether GNU ld knows the type, and ld.lld does not.</summary>
    internal bool IsOfGnu { get; init; }

    /// <summary>Whether linkers may rewrite the instruction.</summary>
    internal bool MayRelax { get; init; }
}
