using ElfLoader.Arch.Arm;
using ElfLoader.Elf;

namespace ElfLoader.Fuzz.Differential;

/// <summary>A pair of objects as we link it: again without what is refused, until nothing is.</summary>
internal sealed class PairLink
{
    private const int Attempts = 4;

    private PairLink(LinkedImage? image, Dictionary<(string Section, ulong Offset), string> refused, string? problem)
    {
        Image = image;
        Refused = refused;
        Problem = problem;
    }

    /// <summary>The image; null if there is none.</summary>
    internal LinkedImage? Image { get; }

    /// <summary>Relocations that were refused, with the message.</summary>
    internal Dictionary<(string Section, ulong Offset), string> Refused { get; }

    /// <summary>Why there is no image.</summary>
    internal string? Problem { get; }

    /// <summary>Links it.</summary>
    internal static PairLink Make(
        Splitter splitter,
        GeneratedPair pair,
        ElfObject shared,
        ulong table,
        bool relaxes,
        IReadOnlySet<(string Section, ulong Offset)> left)
    {
        Dictionary<(string, ulong), string> refused = [];
        HashSet<(string, ulong)> leftOut = [.. left];
        string? problem = null;
        for (int i = 0; i < Attempts; i++)
        {
            try
            {
                ElfObject[] objects =
                    [.. pair.Objects.Select(file => ElfObject.Read(splitter.Object(file, leftOut), file.Name)), shared];
                return new PairLink(new ImageLinker(Options(pair, leftOut, table, relaxes)).Link(objects), refused, null);
            }
            catch (LinkException exception)
            {
                problem = exception.Errors[0].ToString();
                foreach (LinkError error in exception.Errors)
                {
                    if (error.Where is { Section: { } section, Offset: { } offset })
                    {
                        _ = refused.TryAdd((section, offset), error.Message);
                        _ = leftOut.Add((section, offset));
                    }
                }
            }
        }

        return new PairLink(null, refused, problem);
    }

    private static ImageOptions Options(
        GeneratedPair pair, HashSet<(string Section, ulong Offset)> left, ulong table, bool relaxes)
    {
        List<SectionMapping> mappings = [];
        for (int i = 0; i < 2; i++)
        {
            GeneratedObject file = pair.Objects[i];
            foreach (GeneratedSection section in file.Sections)
            {
                mappings.Add(new SectionMapping(file.Name, section.Name, null, section.Address));
            }

            bool usesTable = file.Sections.Exists(section => section.Places.Exists(place =>
                place.Form.Origin is Origin.Slot or Origin.Table or Origin.TableFromPlace
                && !left.Contains((section.Name, (ulong)place.Offset))));
            if (usesTable)
            {
                mappings.Add(new SectionMapping(file.Name, ".got", null, table + ((ulong)i << 20)));
            }
        }

        return new ImageOptions
        {
            MapSections = mappings,
            Relax = relaxes,
            StaticBase = pair.StaticBase,
            Arm = new ArmOptions { Architecture = ArmArchitecture.V7A },
        };
    }
}
