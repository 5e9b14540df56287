using System.Globalization;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace ElfLoader.Fuzz.Instrumentation;

/// <summary>
/// Makes copies of assemblies that note which of their lines have run: before the code of each line a byte of an array is set.
/// </summary>
internal static class Instrumenter
{
    /// <summary>Name of the class that is added; its field <see cref="FieldName"/> is the array.</summary>
    internal const string TypeName = "ElfLoader.LinesThatRan";

    /// <summary>Name of the array.</summary>
    internal const string FieldName = "Lines";

    /// <summary>The file beside an assembly that says which line each byte stands for.</summary>
    internal const string Extension = ".lines";

    /// <summary>Writes a copy of an assembly, and beside it the list of its lines, as <c>FILE:LINE</c>.</summary>
    internal static void Copy(string assembly, string to)
    {
        using var module = ModuleDefinition.ReadModule(assembly, new ReaderParameters { ReadSymbols = true });
        var lines = new TypeDefinition(
            "ElfLoader", "LinesThatRan", TypeAttributes.Public | TypeAttributes.Abstract | TypeAttributes.Sealed, module.TypeSystem.Object);
        var field = new FieldDefinition(
            FieldName, FieldAttributes.Public | FieldAttributes.Static | FieldAttributes.InitOnly, new ArrayType(module.TypeSystem.Byte));
        lines.Fields.Add(field);
        List<string> places = [];
        foreach (TypeDefinition type in module.GetTypes().ToArray())
        {
            foreach (MethodDefinition method in type.Methods.Where(method => method.HasBody))
            {
                Instrument(method, field, places);
            }
        }

        lines.Methods.Add(Initializer(module, field, places.Count));
        module.Types.Add(lines);
        module.Write(to);
        File.WriteAllLines(to + Extension, places);
    }

    private static void Instrument(MethodDefinition method, FieldDefinition field, List<string> places)
    {
        SequencePoint[] points = [.. method.DebugInformation.SequencePoints.Where(point => !point.IsHidden)];
        if (points.Length is 0)
        {
            return;
        }

        MethodBody body = method.Body;
        body.SimplifyMacros();
        Dictionary<int, Instruction> byOffset = body.Instructions.ToDictionary(instruction => instruction.Offset);
        ILProcessor code = body.GetILProcessor();
        foreach (SequencePoint point in points)
        {
            if (!byOffset.TryGetValue(point.Offset, out Instruction? first))
            {
                continue;
            }

            int index = places.Count;
            places.Add(string.Create(CultureInfo.InvariantCulture, $"{point.Document.Url}:{point.StartLine}"));

            // What branches to the first instruction of the line branches to the note from now on: the instruction itself
            // becomes the note's first, and its copy follows.
            Instruction copy = code.Create(OpCodes.Nop);
            copy.OpCode = first.OpCode;
            copy.Operand = first.Operand;
            first.OpCode = OpCodes.Ldsfld;
            first.Operand = field;
            Instruction at = code.Create(OpCodes.Ldc_I4, index);
            Instruction one = code.Create(OpCodes.Ldc_I4_1);
            Instruction store = code.Create(OpCodes.Stelem_I1);
            code.InsertAfter(first, at);
            code.InsertAfter(at, one);
            code.InsertAfter(one, store);
            code.InsertAfter(store, copy);
        }

        body.MaxStackSize += 3;
        body.OptimizeMacros();
    }

    private static MethodDefinition Initializer(ModuleDefinition module, FieldDefinition field, int count)
    {
        var method = new MethodDefinition(
            ".cctor",
            MethodAttributes.Private | MethodAttributes.Static | MethodAttributes.SpecialName | MethodAttributes.RTSpecialName | MethodAttributes.HideBySig,
            module.TypeSystem.Void);
        ILProcessor code = method.Body.GetILProcessor();
        code.Emit(OpCodes.Ldc_I4, count);
        code.Emit(OpCodes.Newarr, module.TypeSystem.Byte);
        code.Emit(OpCodes.Stsfld, field);
        code.Emit(OpCodes.Ret);
        return method;
    }
}
