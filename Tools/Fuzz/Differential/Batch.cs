using ElfLoader.Elf;

namespace ElfLoader.Fuzz.Differential;

/// <summary>Some hundred pairs of objects: assembled in one process, linked by the other linker in one, by us pair by pair.</summary>
internal sealed class Batch
{
    private static readonly ulong[] X64Starts =
        [0x40_0000, 0x1000_0000, 0x7fff_0000, 0xfffe_0000, 0x12_3456_0000, 0x7fff_0000_0000, 0xffff_ffff_8000_0000];

    private static readonly ulong[] ArmStarts = [0x40_0000, 0x1000_0000, 0x7fff_0000, 0xc000_0000];

    private readonly bool _isArm;
    private readonly string _folder;
    private readonly ulong _table;
    private readonly bool _relaxes;
    private readonly Oracle _oracle;
    private readonly GeneratedPair[] _pairs;
    private readonly DifferentialState _state;
    private readonly Dictionary<string, int> _kept;

    internal Batch(
        bool isArm, ulong seed, int number, int size, string folder, Oracle oracle, DifferentialState state, Dictionary<string, int> kept)
    {
        _isArm = isArm;
        _folder = folder;
        _oracle = oracle;
        _state = state;
        _kept = kept;
        var random = new FuzzRandom(seed + (isArm ? 1UL << 40 : 0), number);
        ulong start = random.Pick<ulong>(isArm ? ArmStarts : X64Starts);
        _table = start + 0x200_0000;
        _relaxes = random.Percent(50) && oracle.Name is "lld"; // GNU ld refuses what it cannot rewrite
        var generator = new PairGenerator(oracle.Forms(isArm), isArm, start, _table, _relaxes, random);
        _pairs = [.. Enumerable.Range(0, size).Select(generator.Next)];
        Start = start;
    }

    private ulong Start { get; }

    /// <summary>Assembles, links and compares.</summary>
    internal void Run()
    {
        _ = Directory.CreateDirectory(_folder);
        Splitter splitter = Assemble();
        HashSet<(string, ulong)> none = [];
        List<string> files = ["tls.o"];
        byte[] tls = Splitter.TlsObject(_isArm ? ElfConstants.EM_ARM : ElfConstants.EM_X86_64);
        File.WriteAllBytes(Path.Combine(_folder, "tls.o"), tls);
        foreach (GeneratedObject file in _pairs.SelectMany(pair => pair.Objects))
        {
            File.WriteAllBytes(Path.Combine(_folder, file.Name), splitter.Object(file, none));
            files.Add(file.Name);
        }

        string script = Oracle.Script(
            _isArm, _pairs.SelectMany(pair => pair.Objects).SelectMany(file => file.Sections), _table, Start + 0x300_0000, Start + 0x400_0000);
        (OutputImage theirs, Dictionary<(string, ulong), string> refused) = Ask(splitter, files, script);
        var shared = ElfObject.Read(tls, "tls.o");
        var judge = new Judge(_isArm, _table, theirs, _oracle.Name is "gnu");
        foreach (GeneratedPair pair in _pairs)
        {
            Compare(pair, splitter, PairLink.Make(splitter, pair, shared, _table, _relaxes, none), theirs, refused, judge);
        }
    }

    /// <summary>Has the other linker link; where it gives up on a relocation, again without it.</summary>
    private (OutputImage Image, Dictionary<(string, ulong), string> Refused) Ask(Splitter splitter, List<string> files, string script)
    {
        Dictionary<(string, ulong), string> all = [];
        while (true)
        {
            (OutputImage? image, Dictionary<(string Section, ulong Offset), string> refused) = _oracle.Link(_folder, files, script, _relaxes);
            int before = all.Count;
            foreach (((string, ulong) place, string message) in refused)
            {
                _ = all.TryAdd(place, message);
            }

            if (image is not null)
            {
                return (image, all);
            }

            if (all.Count == before)
            {
                throw new InvalidOperationException($"{_oracle.Name} gives up in {_folder}: {refused.Values.First()}");
            }

            HashSet<string> sections = [.. refused.Keys.Select(place => place.Section)];
            HashSet<(string, ulong)> left = [.. all.Keys];
            foreach (GeneratedObject file in _pairs.SelectMany(pair => pair.Objects).Where(file => file.Sections.Exists(section => sections.Contains(section.Name))))
            {
                File.WriteAllBytes(Path.Combine(_folder, file.Name), splitter.Object(file, left));
            }
        }
    }

    private Splitter Assemble()
    {
        File.WriteAllText(Path.Combine(_folder, "batch.s"), AssemblyText.Of(_isArm, _pairs));
        string[] target = _isArm ? ["-triple=armv7a-linux-gnueabihf", "-arm-add-build-attributes"] : ["-triple=x86_64-linux-gnu"];
        _ = Programs.Check("llvm-mc-19", ["-filetype=obj", .. target, "batch.s", "-o", "batch.o"], _folder);
        return new Splitter(ElfObject.Read(File.ReadAllBytes(Path.Combine(_folder, "batch.o")), "batch.o"));
    }

    private void Compare(
        GeneratedPair pair,
        Splitter splitter,
        PairLink link,
        OutputImage theirs,
        Dictionary<(string, ulong), string> refused,
        Judge judge)
    {
        foreach (GeneratedObject file in pair.Objects)
        {
            _state.Objects++;
            bool isRefused = false;
            bool isIdentical = true;
            foreach (GeneratedSection section in file.Sections)
            {
                if (link.Image is null)
                {
                    Keep(splitter, pair, section, null, "no image", link.Problem ?? "");
                    isIdentical = false;
                    continue;
                }

                Compare(pair, splitter, section, link, theirs, refused, judge, ref isRefused, ref isIdentical);
            }

            _state.RefusedByBoth += isRefused ? 1 : 0;
            _state.Identical += isIdentical && !isRefused ? 1 : 0;
        }
    }

    private void Compare(
        GeneratedPair pair,
        Splitter splitter,
        GeneratedSection section,
        PairLink link,
        OutputImage theirs,
        Dictionary<(string, ulong), string> refused,
        Judge judge,
        ref bool isRefused,
        ref bool isIdentical)
    {
        byte[] ours = new byte[section.Size];
        _ = link.Image!.TryRead(section.Address, ours);
        ReadOnlySpan<byte> other = theirs.Read(section.Address, section.Size);
        ReadOnlySpan<byte> before = splitter.Bytes(section.Name);
        bool[] covered = new bool[section.Size];
        foreach (GeneratedPlace place in section.Places)
        {
            int start = place.Offset - place.Form.Field;
            Array.Fill(covered, true, start, place.Form.Size);
            string? mine = Find(link.Refused, section, start, place.Form.Size);
            string? their = Find(refused, section, start, place.Form.Size);
            Reason reason = mine is not null && their is not null ? Reason.BothRefuse
                : mine is not null || their is not null
                    ? judge.RefusedByOne(
                        pair, section, place, before[start..], mine, ours.AsSpan(start, place.Form.Size), other.Slice(start, place.Form.Size), link.Image)
                : judge.Written(
                    pair, section, place, before[start..], ours.AsSpan(start, place.Form.Size), other.Slice(start, place.Form.Size), link.Image);
            DifferentialState.Count(_state.Reasons, reason.ToString());
            DifferentialState.Count(_state.Types, place.Form.Type.Length > 0 ? place.Form.Type : place.Form.Code);
            isRefused |= reason is Reason.BothRefuse;
            isIdentical &= reason is Reason.Equal or Reason.OwnSlot or Reason.OwnVeneer;
            if (reason is Reason.Unexplained)
            {
                Keep(
                    splitter, pair, section, place, $"{place.Form.Type} {place.Form.Code}",
                    $"ours {mine ?? Convert.ToHexString(ours, start, place.Form.Size)}, theirs {their ?? Convert.ToHexString(other.Slice(start, place.Form.Size))}");
            }
        }

        for (int i = 0; i < ours.Length; i++)
        {
            if (!covered[i] && ours[i] != other[i])
            {
                DifferentialState.Count(_state.Reasons, nameof(Reason.Unexplained));
                Keep(splitter, pair, section, null, "bytes that no relocation has", $"+0x{i:x}: ours {ours[i]:x2}, theirs {other[i]:x2}");
                break;
            }
        }
    }

    private static string? Find(Dictionary<(string Section, ulong Offset), string> refused, GeneratedSection section, int start, int size)
    {
        for (int i = start; i < start + size; i++)
        {
            if (refused.TryGetValue((section.Name, (ulong)i), out string? message))
            {
                return message;
            }
        }

        return null;
    }

    /// <summary>Keeps a difference: the pair without all other relocations, and what stands there.</summary>
    private void Keep(
        Splitter splitter, GeneratedPair pair, GeneratedSection section, GeneratedPlace? place, string kind, string what)
    {
        _kept[kind] = _kept.GetValueOrDefault(kind) + 1;
        if (_kept[kind] > 2)
        {
            return;
        }

        string name = string.Concat(kind.Take(40).Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-'));
        string folder = Path.Combine(_folder, "..", "differences", $"{(_isArm ? "arm" : "x64")}-{name}-{_kept[kind]}");
        _ = Directory.CreateDirectory(folder);
        HashSet<(string, ulong)> left = [];
        foreach (GeneratedSection other in pair.Objects.SelectMany(file => file.Sections))
        {
            foreach (GeneratedPlace each in other.Places.Where(each => place is not null && each != place))
            {
                int start = each.Offset - each.Form.Field;
                left.UnionWith(Enumerable.Range(start, each.Form.Size).Select(offset => (other.Name, (ulong)offset)));
            }
        }

        foreach (GeneratedObject file in pair.Objects)
        {
            File.WriteAllBytes(Path.Combine(folder, file.Name), splitter.Object(file, left));
        }

        File.WriteAllText(Path.Combine(folder, "script"), Oracle.Script(
            _isArm, pair.Objects.SelectMany(file => file.Sections), _table, Start + 0x300_0000, Start + 0x400_0000));
        GeneratedSymbol? symbol = place is null ? null : pair.Symbols.GetValueOrDefault(place.Symbol);
        File.WriteAllText(
            Path.Combine(folder, "what.txt"),
            $"{kind} at {section.Name} 0x{section.Address:x} kind {section.Kind}\n{place}\n{symbol}\ntable 0x{_table:x}, relaxes: {_relaxes}\n{what}\n");
    }
}
