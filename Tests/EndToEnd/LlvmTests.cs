using System.Runtime.InteropServices;
using System.Text;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// The circle closes: LLVM, loaded from its static archives, compiles IR to an object in memory, and that object is
/// loaded and called.
/// </summary>
[Category("EndToEnd")]
public sealed class LlvmTests
{
    private const int ObjectFile = 1; // LLVMObjectFile
    private const string Source = """
        declare i32 @add_in_managed_code(i32, i32)
        @total = global i32 0
        define i32 @sum_to(i32 %n) {
        entry:
          br label %loop
        loop:
          %i = phi i32 [ 0, %entry ], [ %next, %loop ]
          %s = phi i32 [ 0, %entry ], [ %sum, %loop ]
          %sum = call i32 @add_in_managed_code(i32 %s, i32 %i)
          %next = add i32 %i, 1
          %more = icmp sle i32 %next, %n
          br i1 %more, label %loop, label %done
        done:
          %old = load i32, i32* @total
          %new = add i32 %old, %sum
          store i32 %new, i32* @total
          ret i32 %new
        }
        """;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Action();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Make();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Of(nint handle);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint CopyBuffer(byte[] text, nuint length, [MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Parse(nint context, nint buffer, out nint module, out nint message);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int FindTarget([MarshalAs(UnmanagedType.LPUTF8Str)] string triple, out nint target, out nint message);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint MakeMachine(
        nint target,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string triple,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string processor,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string features,
        int level,
        int relocation,
        int model);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Emit(nint machine, nint module, int kind, out nint message, out nint buffer);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Binary(int left, int right);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Unary(int value);

    [Test]
    public void CompilesAFunctionThatIsLoadedAndCalled()
    {
        using ObjectLibrary llvm = LoadLlvm();
        byte[] compiled = Compile(llvm, Source);
        using var library = new ObjectLibrary("compiled");
        library.Define<Binary>("add_in_managed_code", (left, right) => left + right);

        library.Load(compiled, "compiled.o");

        Unary sumTo = library.GetFunction<Unary>("sum_to");
        Assert.That(sumTo(100), Is.EqualTo(5050));
        Assert.That(sumTo(10), Is.EqualTo(5050 + 55));
    }

    private static ObjectLibrary LoadLlvm()
    {
        var library = new ObjectLibrary("LLVM");
        foreach (string shared in (string[])["libstdc++.so.6", "libm.so.6", "libz.so.1", "libtinfo.so.6"])
        {
            library.AddSharedLibrary(shared);
        }

        foreach (string archive in LlvmArchives.With("x86codegen", "irreader"))
        {
            library.AddArchive(archive);
        }

        return library;
    }

    private static byte[] Compile(ObjectLibrary llvm, string source)
    {
        foreach (string part in (string[])["TargetInfo", "Target", "TargetMC", "AsmPrinter"])
        {
            llvm.GetFunction<Action>($"LLVMInitializeX86{part}")();
        }

        byte[] text = [.. Encoding.UTF8.GetBytes(source), 0];
        nint context = llvm.GetFunction<Make>("LLVMContextCreate")();
        nint input = llvm.GetFunction<CopyBuffer>("LLVMCreateMemoryBufferWithMemoryRangeCopy")(
            text, (nuint)text.Length - 1, "source");
        int parsed = llvm.GetFunction<Parse>("LLVMParseIRInContext")(context, input, out nint module, out nint message);
        Assert.That(parsed, Is.Zero, parsed is 0 ? "" : NativeMemory.Text(message));

        const string Triple = "x86_64-pc-linux-gnu";
        Assert.That(llvm.GetFunction<FindTarget>("LLVMGetTargetFromTriple")(Triple, out nint target, out message), Is.Zero);
        nint machine = llvm.GetFunction<MakeMachine>("LLVMCreateTargetMachine")(
            target, Triple, "x86-64", "", level: 2, relocation: 2, model: 0); // default optimisation, PIC, default model
        int emitted = llvm.GetFunction<Emit>("LLVMTargetMachineEmitToMemoryBuffer")(
            machine, module, ObjectFile, out message, out nint output);
        Assert.That(emitted, Is.Zero, emitted is 0 ? "" : NativeMemory.Text(message));

        byte[] bytes = NativeMemory.Bytes(
            llvm.GetFunction<Of>("LLVMGetBufferStart")(output), (int)llvm.GetFunction<Of>("LLVMGetBufferSize")(output));
        _ = llvm.GetFunction<Of>("LLVMDisposeMemoryBuffer")(output);
        _ = llvm.GetFunction<Of>("LLVMDisposeTargetMachine")(machine);
        _ = llvm.GetFunction<Of>("LLVMDisposeModule")(module);
        _ = llvm.GetFunction<Of>("LLVMContextDispose")(context);
        return bytes;
    }
}
