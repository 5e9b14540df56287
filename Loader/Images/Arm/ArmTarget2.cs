using ElfLoader.Arch.Arm;
using ElfLoader.Elf;

namespace ElfLoader.Images.Arm;

/// <summary>
/// The meaning of R_ARM_TARGET2 in an image, as far as its objects tell: code that reads tables of exceptions finds a type through
/// a slot on Linux, and at a distance on bare metal, and was compiled for one of them.
/// </summary>
internal static class ArmTarget2
{
    /// <summary>Finds it, and warns where it is only likely.</summary>
    /// <param name="objects">All objects of the image.</param>
    /// <param name="unwinder">The one whose code reads the tables; null where there is none.</param>
    /// <param name="hasLinuxStart">Whether the C library of Linux starts the program.</param>
    /// <param name="warnings">Warnings are added here.</param>
    internal static Target2Meaning Of(
        IReadOnlyList<ElfObject> objects, ElfObject? unwinder, bool hasLinuxStart, List<string> warnings)
    {
        ElfObject? forBareMetal = objects.FirstOrDefault(ArmAttributes.IsForBareMetal);
        if (unwinder is null)
        {
            return forBareMetal is null ? Target2Meaning.GotRelative : Target2Meaning.Relative;
        }

        if (ArmAttributes.IsForBareMetal(unwinder))
        {
            return Target2Meaning.Relative;
        }

        if (!hasLinuxStart && objects.FirstOrDefault(Uses) is { } user)
        {
            warnings.Add(
                $"{user.Name} has R_ARM_TARGET2, taken for R_ARM_GOT_PREL, as on Linux: {unwinder.Name}, which reads such tables, does not "
                + "say that it is for bare metal, but "
                + (forBareMetal is null ? "the program has no start of Linux' C library" : $"{forBareMetal.Name} does")
                + "; if it is, the first exception will crash without Target2Meaning.Relative (--target2=rel)");
        }

        return Target2Meaning.GotRelative;
    }

    private static bool Uses(ElfObject elf)
    {
        foreach (ref readonly RelocationSection section in elf.RelocationSections)
        {
            foreach (RelocationRecord relocation in elf.Relocations(section))
            {
                if (relocation.Type is ArmRelocationTypes.R_ARM_TARGET2)
                {
                    return true;
                }
            }
        }

        return false;
    }
}
