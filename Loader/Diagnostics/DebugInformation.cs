using ElfLoader.Images;
using ElfLoader.Linking;

namespace ElfLoader.Diagnostics;

/// <summary>The debugging information of all objects of a unit, linked: sections of one name end to end, relocated.</summary>
internal static class DebugInformation
{
    /// <summary>There are about twenty names; whoever has more of them is up to something.</summary>
    private const int MostSections = 1000;

    /// <summary>Collects it.</summary>
    /// <param name="rules">The machine's relocations.</param>
    /// <param name="resolution">The unit's objects; the places of sections that are not loaded are set.</param>
    /// <param name="stubs">The unit's stubs.</param>
    /// <param name="tls">The unit's thread-local storage.</param>
    /// <returns>
    /// The sections by name; none if one cannot be decompressed or relocated, for that is no reason not to load code.
    /// </returns>
    internal static IReadOnlyDictionary<string, byte[]> Collect(
        LinkRules rules, SymbolResolution resolution, StubTable stubs, TlsTemplate tls)
    {
        try
        {
            var memory = new ImageMemory();
            var errors = new LinkErrors();
            Dictionary<string, List<ImagePiece>> pieces = Place(resolution, memory);
            var sections = new DebugSections(new RelocationContext
            {
                Rules = rules,
                Resolution = resolution,
                Stubs = stubs,
                Tls = tls,
                Memory = memory,
                Errors = errors,
            });
            foreach (LinkObject file in resolution.Objects)
            {
                sections.Relocate(file);
            }

            return errors.Any || pieces.Count > MostSections
                ? Nothing
                : pieces.Where(entry => entry.Key.StartsWith(".debug_", StringComparison.Ordinal))
                    .ToDictionary(entry => entry.Key, entry => Join(entry.Value));
        }
        catch (Exception exception) when (exception is LinkException or OverflowException)
        {
            return Nothing;
        }
    }

    private static IReadOnlyDictionary<string, byte[]> Nothing { get; } = new Dictionary<string, byte[]>();

    /// <summary>Gives each section its offset among those of its name, which is what symbols in it are relative to.</summary>
    private static Dictionary<string, List<ImagePiece>> Place(SymbolResolution resolution, ImageMemory memory)
    {
        Dictionary<string, List<ImagePiece>> pieces = [];
        foreach (LinkObject file in resolution.Objects)
        {
            for (int i = 1; i < file.Sections.Length; i++)
            {
                if (file.Sections[i].Fate is not SectionFate.NotLoaded || !DebugSections.IsCopied(file.Elf, i))
                {
                    continue;
                }

                byte[] bytes = file.Elf.Decompress(i);
                string name = file.Elf.SectionNameText(i);
                if (!pieces.TryGetValue(name, out List<ImagePiece>? same))
                {
                    pieces.Add(name, same = []);
                }

                ulong alignment = Math.Max(DebugSections.AlignmentOf(file.Elf, i), 1);
                ulong end = same.Count is 0 ? 0 : same[^1].Offset + same[^1].Size;
                var piece = new ImagePiece
                {
                    Size = (ulong)bytes.Length,
                    Offset = (end + alignment - 1) & ~(alignment - 1),
                    Bytes = bytes,
                };
                same.Add(piece);
                ref SectionPlace place = ref file.Sections[i];
                place.Block = memory.Add(piece);
                place.Address = piece.Offset;
            }
        }

        return pieces;
    }

    private static byte[] Join(List<ImagePiece> pieces)
    {
        byte[] bytes = new byte[checked((int)(pieces[^1].Offset + pieces[^1].Size))];
        foreach (ImagePiece piece in pieces)
        {
            piece.Bytes.CopyTo(bytes.AsMemory((int)piece.Offset));
        }

        return bytes;
    }
}
