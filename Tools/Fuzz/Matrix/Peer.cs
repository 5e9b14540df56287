using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ElfLoader.Fuzz.Differential;
using ElfLoader.Relocations;

namespace ElfLoader.Fuzz.Matrix;

/// <summary>RuntimeDyld or JITLink, asked through LLVM's own tools: a check that must fail tells what stands at a place.</summary>
internal sealed partial class Peer(string name, string program, Func<MatrixType, IReadOnlyList<GeneratedPlace>, string[]> arguments)
{
    private const ulong Never = 0xdead_beef_cafe;

    private string _lastEnd = "";

    /// <summary>Its name.</summary>
    internal string Name => name;

    /// <summary>LLVM's old dynamic linker.</summary>
    internal static Peer RuntimeDyld { get; } = new("RuntimeDyld", "llvm-rtdyld-19", (type, places) =>
    [
        "-verify", "-check=checks", $"-triple={(type.IsArm ? "armv7-linux-gnueabihf" : "x86_64-linux-gnu")}",
        "-map-section", string.Create(CultureInfo.InvariantCulture, $"peer.o,s0a0=0x{MatrixType.Start:x}"),
        .. places.Where(place => type.Pair.Symbols.ContainsKey(place.Symbol))
            .SelectMany(place => (string[])["-dummy-extern", Definition(type, place)]),
    ]);

    /// <summary>LLVM's new one.</summary>
    internal static Peer JitLink { get; } = new("JITLink", "llvm-jitlink-19", (type, places) =>
    [
        "-noexec", "-entry", "p0", "-check=checks", "-slab-allocate=64Kb", "-slab-page-size=4096",
        string.Create(CultureInfo.InvariantCulture, $"-slab-address=0x{MatrixType.Start:x}"),
        .. places.Where(place => type.Pair.Symbols.ContainsKey(place.Symbol))
            .SelectMany(place => (string[])["-abs", Definition(type, place)]),
    ]);

    /// <summary>Asks about a type: what fits at once, each value beyond the limits alone.</summary>
    internal Cell Ask(MatrixType type, string folder)
    {
        var cell = new Cell();
        GeneratedPlace[] usual = [.. type.Section.Places.Where(place => IsAsked(type, place))];
        GeneratedPlace[] fitting = [.. usual.Where(type.Fitting.Contains)];
        if (fitting.Length is 0)
        {
            cell.Word = "not asked";
            return cell;
        }

        if (!Ask(type, fitting, folder, cell, fits: true))
        {
            // One place is enough for it to give up: which one?
            cell = new Cell();
            foreach (GeneratedPlace place in fitting.Take(6))
            {
                if (!Ask(type, [place], folder, cell, fits: true))
                {
                    cell.Add(true, _lastEnd);
                }
            }
        }

        foreach (GeneratedPlace place in usual.Except(fitting).Take(3))
        {
            if (!Ask(type, [place], folder, cell, fits: false))
            {
                cell.Add(false, _lastEnd);
            }
        }

        return cell;
    }

    /// <summary>Symbols that are numbers cannot be said to be Thumb functions, and 0 means to RuntimeDyld that there is none.</summary>
    private static bool IsAsked(MatrixType type, GeneratedPlace place) =>
        !type.Pair.Symbols.TryGetValue(place.Symbol, out GeneratedSymbol? symbol) || symbol is { Kind: not 't', Address: not 0 };

    private static string Definition(MatrixType type, GeneratedPlace place) =>
        string.Create(CultureInfo.InvariantCulture, $"{place.Symbol}=0x{type.Pair.Symbols[place.Symbol].Address:x}");

    private bool Ask(MatrixType type, GeneratedPlace[] places, string folder, Cell cell, bool fits)
    {
        var only = new GeneratedSection("s0a0", type.Section.Kind, MatrixType.Start) { Size = type.Section.Size };
        only.Places.AddRange(places);
        var pair = new GeneratedPair(new GeneratedObject("o0a.o"), new GeneratedObject("o0b.o"));
        pair.First.Sections.Add(only);
        var text = new StringBuilder(AssemblyText.Of(type.IsArm, [pair]));
        var checks = new StringBuilder();
        _ = checks.AppendLine(CultureInfo.InvariantCulture, $"# rtdyld-check: p0 = 0x{Never:x}\n# jitlink-check: p0 = 0x{Never:x}");
        for (int i = 0; i < places.Length; i++)
        {
            int size = Math.Max(1, type.Rule.Field.Size);
            _ = text.AppendLine(CultureInfo.InvariantCulture, $".globl p{i}\n.set p{i}, s0a0_start+{places[i].Offset}");
            foreach (string prefix in (string[])["rtdyld", "jitlink"])
            {
                _ = checks.AppendLine(CultureInfo.InvariantCulture, $"# {prefix}-check: *{{{size}}}(p{i}) = 0x{Never:x}");
            }
        }

        _ = text.Replace(".p2align", "s0a0_start:\n.p2align");
        string variable = PairGenerator.TlsSymbols[2].Name;
        if (places.Any(place => place.Symbol == variable))
        {
            _ = text.AppendLine(CultureInfo.InvariantCulture, $".section .tdata,\"awT\",%progbits\n.globl {variable}\n.type {variable},%tls_object\n{variable}: .zero 8");
        }

        File.WriteAllText(Path.Combine(folder, "peer.s"), text.ToString());
        File.WriteAllText(Path.Combine(folder, "checks"), checks.ToString());
        _ = Programs.Check("llvm-mc-19", ["-filetype=obj", .. MatrixCommand.Target(type.IsArm), "peer.s", "-o", "peer.o"], folder);
        (int status, string output, string error) = Programs.Run(program, [.. arguments(type, places), "peer.o"], folder);
        Dictionary<int, ulong> values = [];
        if (FirstPlace().Match(output + error) is { Success: true } first)
        {
            values[-1] = ulong.Parse(first.Groups[1].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        foreach (Match match in Failure().Matches(output + error))
        {
            values[int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)] =
                ulong.Parse(match.Groups[2].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        if (values.Keys.Count(key => key >= 0) < places.Length)
        {
            _lastEnd = status >= 128 ? "crashes" : "refused";
            return false;
        }

        ulong start = values.GetValueOrDefault(-1, MatrixType.Start + (ulong)places[0].Offset) - (ulong)places[0].Offset;
        for (int i = 0; i < places.Length; i++)
        {
            cell.Add(fits, Compare(type, places[i], values[i], start));
        }

        return true;
    }

    private static string Compare(MatrixType type, GeneratedPlace place, ulong value, ulong start)
    {
        RelocationRule rule = type.Rule;
        int size = rule.Field.Size;
        byte[] found = BitConverter.GetBytes(value)[..size];
        byte[] before = MatrixCommand.Before(type, place);
        if (rule.Slot is not GotSlot.None || rule.Expression.UsesGot || rule.Expression.IsThreadLocal || !type.HasForm)
        {
            return found.AsSpan().SequenceEqual(before.AsSpan(0, size)) ? "ignored" : "accepted";
        }

        GeneratedSymbol symbol = type.Pair.Symbols[place.Symbol];
        var operands = new Operands
        {
            S = symbol.Address,
            L = symbol.Address,
            P = start + (ulong)place.Offset,
            A = type.IsArm ? rule.ReadAddend(before) : place.Addend,
            IsFunction = symbol.Kind is 'a',
            Z = 0,
        };
        byte[] expected = [.. before];
        RelocationOutcome outcome = MatrixCommand.Machine(type.IsArm).Relocations.Apply(rule, expected, operands, out _);
        return outcome is not RelocationOutcome.Applied ? "cut"
            : found.AsSpan().SequenceEqual(expected.AsSpan(0, size)) ? "right"
            : found.AsSpan().SequenceEqual(before.AsSpan(0, size)) ? "ignored"
            : rule.IsBranch ? "stub, or another place"
            : "wrong";
    }

    [GeneratedRegex(@"\(p(\d+)\) = 0xdeadbeefcafe' is false: 0x([0-9a-f]+)")]
    private static partial Regex Failure();

    [GeneratedRegex(@"'p0 = 0xdeadbeefcafe' is false: 0x([0-9a-f]+)")]
    private static partial Regex FirstPlace();
}
