using System.CommandLine;
using System.Globalization;
using ElfLoader.Arch.Arm;
using ElfLoader.Arch.X64;
using ElfLoader.Elf;
using ElfLoader.Fuzz.Differential;
using ElfLoader.Relocations;
using Spectre.Console;

namespace ElfLoader.Fuzz.Matrix;

/// <summary><c>matrix</c>: asks all tools about all relocation types, and writes the page that tells the answers.</summary>
internal sealed class MatrixCommand : Command
{
    /// <summary>Sections as the assembler left them.</summary>
    private static readonly Dictionary<RelocationRule, byte[]> Sections = [];

    private readonly Option<string> _output = new("--output")
    {
        Description = "The page to write.",
        DefaultValueFactory = _ => Path.Combine(Programs.Repository, "docs", "relocations.md"),
    };

    internal MatrixCommand()
        : base("matrix", "Ask linkers and loaders about every relocation type, at the limits of its values, and write docs/relocations.md.")
    {
        Add(_output);
        SetAction(Run);
    }

    /// <summary>The machine.</summary>
    internal static Architecture Machine(bool isArm) => isArm ? Arm.Default : X64.Instance;

    /// <summary>What the assembler is told of the machine.</summary>
    internal static string[] Target(bool isArm) => isArm
        ? ["-triple=armv7a-linux-gnueabihf", "-arm-add-build-attributes"]
        : ["-triple=x86_64-linux-gnu"];

    /// <summary>The bytes of a place before it is relocated, from the field on; enough for any field.</summary>
    internal static byte[] Before(MatrixType type, GeneratedPlace place)
    {
        byte[] bytes = new byte[8];
        ReadOnlySpan<byte> section = Sections[type.Rule];
        section.Slice(place.Offset, Math.Min(8, section.Length - place.Offset)).CopyTo(bytes);
        return bytes;
    }

    private int Run(ParseResult result)
    {
        string folder = Path.Combine(Programs.Repository, "artifacts", "matrix");
        _ = Directory.CreateDirectory(folder);
        var page = new MatrixPage();
        void Work(Action<string> progress)
        {
            foreach (bool isArm in (bool[])[false, true])
            {
                foreach (RelocationRule rule in Machine(isArm).Relocations.Rules)
                {
                    progress(rule.Name);
                    Ask(page, new MatrixType(isArm, rule), folder);
                }
            }
        }

        if (Console.IsOutputRedirected)
        {
            Work(_ => { });
        }
        else
        {
            AnsiConsole.Status().Start("asking", context => Work(name => context.Status(name)));
        }

        string output = result.GetRequiredValue(_output);
        File.WriteAllText(output, page.Text());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"wrote {output}: {page.Types} types, {page.Cases} cases"));
        return 0;
    }

    private static void Ask(MatrixPage page, MatrixType type, string folder)
    {
        if (!type.HasForm && type.Rule.Use is RelocationUse.Static && !type.Rule.Field.Fits(new byte[8]))
        {
            page.Add(type, null);
            return;
        }

        File.WriteAllText(Path.Combine(folder, "batch.s"), AssemblyText.Of(type.IsArm, [type.Pair]));
        (int status, _, _) = Programs.Run("llvm-mc-19", ["-filetype=obj", .. Target(type.IsArm), "batch.s", "-o", "batch.o"], folder);
        if (status is not 0)
        {
            page.Add(type, []);
            return;
        }

        var splitter = new Splitter(ElfObject.Read(File.ReadAllBytes(Path.Combine(folder, "batch.o")), "batch.o"));
        Sections[type.Rule] = splitter.Bytes("s0a0").ToArray();
        byte[] tls = Splitter.TlsObject(type.IsArm ? ElfConstants.EM_ARM : ElfConstants.EM_X86_64);
        var ours = PairLink.Make(splitter, type.Pair, ElfObject.Read(tls, "tls.o"), MatrixType.Table, relaxes: false, new HashSet<(string, ulong)>());
        List<Cell> cells = [Ours(type, ours)];
        File.WriteAllBytes(Path.Combine(folder, "tls.o"), tls);
        foreach (Oracle oracle in (Oracle[])[Oracle.Lld, Oracle.Gnu(type.IsArm)])
        {
            cells.Add(Ask(type, splitter, ours, oracle, folder));
        }

        foreach (Peer peer in (Peer[])[Peer.RuntimeDyld, Peer.JitLink])
        {
            cells.Add(peer.Ask(type, folder));
        }

        page.Add(type, cells);
    }

    private static Cell Ours(MatrixType type, PairLink link)
    {
        var cell = new Cell();
        var judge = new Judge(type.IsArm, MatrixType.Table, OutputImage.None, isGnu: false);
        foreach (GeneratedPlace place in type.Section.Places)
        {
            ReadOnlySpan<byte> code = Sections[type.Rule].AsSpan(place.Offset);
            Operands operands = judge.Operands(type.Pair, type.Section, place, type.Rule, Sections[type.Rule].AsSpan(place.Offset - place.Form.Field));
            cell.Add(type.Fitting.Contains(place),
                link.Refused.ContainsKey((type.Section.Name, (ulong)place.Offset)) ? "refused"
                : link.Image is null ? "no image"
                : type.HasForm && Machine(type.IsArm).StubFor(type.Rule, code, 0, operands) is not null ? "stub"
                : type.HasForm ? "right"
                : "accepted");
        }

        return cell;
    }

    /// <summary>What another linker makes of it, as compared with us.</summary>
    private static Cell Ask(MatrixType type, Splitter splitter, PairLink ours, Oracle oracle, string folder)
    {
        var cell = new Cell();
        HashSet<(string, ulong)> left = [];
        string script = Oracle.Script(type.IsArm, type.Pair.First.Sections, MatrixType.Table, 0x1300_0000, 0x1400_0000);
        Dictionary<(string, ulong), string> all = [];
        for (int i = 0; i < 3; i++)
        {
            foreach (GeneratedObject file in type.Pair.Objects)
            {
                File.WriteAllBytes(Path.Combine(folder, file.Name), splitter.Object(file, left));
            }

            OutputImage? image;
            try
            {
                (image, Dictionary<(string, ulong), string> refused) = oracle.Link(folder, ["o0a.o", "o0b.o", "tls.o"], script, relaxes: false);
                foreach (((string, ulong) place, string message) in refused)
                {
                    _ = all.TryAdd(place, message);
                }
            }
            catch (InvalidOperationException)
            {
                cell.Word = "does not link";
                return cell;
            }

            if (image is not null)
            {
                Fill(cell, type, ours, image, all, oracle.Name is "gnu");
                return cell;
            }

            left.UnionWith(all.Keys);
        }

        cell.Word = "refused";
        return cell;
    }

    private static void Fill(Cell cell, MatrixType type, PairLink ours, OutputImage image, Dictionary<(string, ulong), string> refused, bool isGnu)
    {
        var judge = new Judge(type.IsArm, MatrixType.Table, image, isGnu);
        byte[] mine = new byte[type.Section.Size];
        _ = ours.Image?.TryRead(MatrixType.Start, mine);
        ReadOnlySpan<byte> theirs = image.Read(MatrixType.Start, mine.Length);
        foreach (GeneratedPlace place in type.Section.Places)
        {
            bool fits = type.Fitting.Contains(place);
            (string, ulong) key = (type.Section.Name, (ulong)place.Offset);
            int start = place.Offset - place.Form.Field;
            int size = place.Form.Size;
            if (refused.ContainsKey(key))
            {
                cell.Add(fits, "refused");
            }
            else if (theirs.Length < start + size)
            {
                cell.Add(fits, "nothing");
            }
            else if (!type.HasForm || ours.Image is null)
            {
                cell.Add(fits, theirs.Slice(start, size).ContainsAnyExcept((byte)0) ? "accepted" : "ignored");
            }
            else if (ours.Refused.ContainsKey(key))
            {
                cell.Add(fits, "cut");
            }
            else
            {
                Reason reason = judge.Written(
                    type.Pair, type.Section, place, Sections[type.Rule].AsSpan(start), mine.AsSpan(start, size), theirs.Slice(start, size), ours.Image);
                cell.Add(fits, Cell.Of(reason));
            }
        }
    }
}
