using ElfLoader.Elf;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Asks a file that was accepted for all that it can be asked for.</summary>
internal static class Reading
{
    /// <summary>Asks an object.</summary>
    internal static void Everything(ElfObject elf)
    {
        for (int i = 0; i < elf.Sections.Length; i++)
        {
            _ = elf.SectionNameText(i).Length + elf.SectionBytes(i).Length + elf.GroupOf(i);
            MayRefuse(() => elf.Decompress(i));
        }

        for (int i = 0; i < elf.SymbolCount; i++)
        {
            SymbolRecord symbol = elf.Symbol(i);
            _ = elf.SymbolNameText(i);
            Require(symbol.Section >= 0 && symbol.Section < elf.Sections.Length, "a symbol's section");
        }

        foreach (RelocationSection section in elf.RelocationSections)
        {
            int count = 0;
            foreach (RelocationRecord record in elf.Relocations(section))
            {
                Require(record.Symbol < Math.Max(elf.SymbolCount, 1), "a relocation's symbol");
                count++;
            }

            Require(count == section.Count, "the number of relocations");
        }

        foreach (SectionGroup group in elf.Groups)
        {
            _ = elf.Signature(group).Length + elf.Members(group).Length;
        }

        MayRefuse(() => elf.Attributes);
        MayRefuse(() => elf.Properties);
    }

    /// <summary>Asks an archive.</summary>
    /// <returns>The machine of the first object that it has.</returns>
    internal static ushort Everything(Archive archive)
    {
        ushort machine = 0;
        foreach (ArchiveMember member in archive.Members)
        {
            _ = member.FullName;
            MayRefuse(() =>
            {
                var elf = ElfObject.Read(member.Bytes, member.FullName);
                machine = machine is 0 ? elf.Machine : machine;
                return elf;
            });
        }

        _ = archive.TryFind("missing"u8, out _);
        return machine;
    }

    private static void MayRefuse(Func<object?> ask)
    {
        try
        {
            _ = ask();
        }
        catch (LinkException)
        {
            // As it may.
        }
    }

    private static void Require(bool isTrue, string what)
    {
        if (!isTrue)
        {
            throw new FindingException($"reader: {what}", $"the reader accepted it, but not {what}");
        }
    }
}
