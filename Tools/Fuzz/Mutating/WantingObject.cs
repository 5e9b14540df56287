using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>An object that refers to what the seeds' archives define, so that their members are linked.</summary>
internal static class WantingObject
{
    /// <summary>The names, functions of the seeds' sources.</summary>
    private static readonly string[] Names = ["data_sum", "switch_name", "tls_next", "words_of"];

    /// <summary>Makes it.</summary>
    internal static byte[] Build(ushort machine)
    {
        var writer = new ObjectWriter(machine);
        int word = machine is EM_ARM ? 4 : 8;
        int data = writer.AddSection(
            ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, new byte[word * Names.Length], (ulong)(word * Names.Length), (ulong)word);
        for (int i = 0; i < Names.Length; i++)
        {
            int symbol = writer.AddSymbol(Names[i], STB_GLOBAL << 4, 0, SHN_UNDEF, 0, 0);
            writer.AddRelocation(data, (ulong)(word * i), machine is EM_ARM ? 2u : 1u, symbol, 0); // R_ARM_ABS32, R_X86_64_64
        }

        return writer.Build();
    }
}
