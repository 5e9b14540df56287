using System.Runtime.CompilerServices;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// A library links small loads one after the other with the same linker: what it loads after another object is what it loads
/// first. Each kind of thing that a link takes note of is loaded after each other kind.
/// </summary>
[NonParallelizable]
public sealed class KeptLinkerTests
{
    private static readonly ObjectLibraryOptions s_options = new() { AllowUndefined = true };

    // Each defines a function "answer", which returns its number if everything that it needs is right.
    private static readonly (string Name, int Answer, string Source)[] s_subjects =
    [
        ("plain", 11, "answer: movl $11, %eax\nret"),
        ("slot", 12, "answer: movq value@GOTPCREL(%rip), %rax\nmovl (%rax), %eax\nret\n.data\n.globl value\nvalue: .long 12"),
        ("local ifunc", 13, """
            answer: jmp picked
            .type picked, @gnu_indirect_function
            picked: leaq found(%rip), %rax
            ret
            found: movl $13, %eax
            ret
            """),
        ("global ifunc", 14, """
            answer: jmp picked@PLT
            .globl picked
            .type picked, @gnu_indirect_function
            picked: leaq found(%rip), %rax
            ret
            found: movl $14, %eax
            ret
            """),
        ("static thread-local", 15, """
            answer: movq counter@GOTTPOFF(%rip), %rax
            movl %fs:(%rax), %eax
            ret
            .section .tdata,"awT",@progbits
            .type counter, @object
            counter: .long 15
            """),
        ("dynamic thread-local", 16, """
            answer: pushq %rbx
            .byte 0x66
            leaq counter@TLSGD(%rip), %rdi
            .value 0x6666
            rex64
            call __tls_get_addr@PLT
            movl (%rax), %eax
            popq %rbx
            ret
            .section .tdata,"awT",@progbits
            .p2align 6
            .globl counter
            .type counter, @object
            counter: .long 16
            """),
        ("group", 17, """
            answer: jmp shared@PLT
            .section .text.shared,"axG",@progbits,shared,comdat
            .weak shared
            .type shared, @function
            shared: movl $17, %eax
            ret
            """),
        ("initializer", 18, """
            answer: movl value(%rip), %eax
            ret
            start: movl $18, value(%rip)
            ret
            .section .init_array,"aw",@init_array
            .quad start
            .data
            value: .long 0
            """),
        ("fragments", 19, """
            answer: movl value(%rip), %eax
            ret
            .section .init,"ax",@progbits
            movl $19, value(%rip)
            .section .fini,"ax",@progbits
            movl $0, value(%rip)
            .data
            value: .long 0
            """),
        ("gathered", 20, """
            answer: leaq __stop_listed(%rip), %rax
            leaq __start_listed(%rip), %rcx
            subq %rcx, %rax
            ret
            .section listed,"aw",@progbits
            .zero 20
            """),
        ("gathered otherwise", 21, """
            answer: leaq __stop_noted(%rip), %rax
            leaq __start_noted(%rip), %rcx
            subq %rcx, %rax
            ret
            .section listed,"aw",@progbits
            .zero 4
            .section noted,"aw",@progbits
            .zero 21
            """),
        ("registers exit", 22, """
            answer: movl value(%rip), %eax
            ret
            start: subq $8, %rsp
            leaq stop(%rip), %rdi
            xorl %esi, %esi
            leaq __dso_handle(%rip), %rdx
            call __cxa_atexit@PLT
            movl $22, value(%rip)
            addq $8, %rsp
            ret
            stop: movl $0, value(%rip)
            ret
            .section .init_array,"aw",@init_array
            .quad start
            .data
            value: .long 0
            """),
        ("registers exit without a handle", 33, """
            answer: movl value(%rip), %eax
            ret
            start: subq $8, %rsp
            leaq stop(%rip), %rdi
            call atexit@PLT
            movl $33, value(%rip)
            addq $8, %rsp
            ret
            stop: movl $0, value(%rip)
            ret
            .section .init_array,"aw",@init_array
            .quad start
            .data
            value: .long 0
            """),
        ("low", 23, "answer: movl $value, %eax\nmovl (%rax), %eax\nret\n.data\nvalue: .long 23"),
        ("missing", 24, "answer: testl %esp, %esp\nje nowhere\nmovl $24, %eax\nret"),
        ("missing weak", 25, "answer: movq nothing@GOTPCREL(%rip), %rcx\nmovl $25, %eax\nsubl %ecx, %eax\nret\n.weak nothing"),
        ("common", 26, "answer: movl tentative(%rip), %eax\naddl $26, %eax\nret\n.comm tentative,64,32"),
        ("host's function", 27, "answer: subq $8, %rsp\nmovl $-27, %edi\ncall abs@PLT\naddq $8, %rsp\nret"),
        ("unwinding", 28, ".cfi_startproc\nanswer: subq $8, %rsp\n.cfi_adjust_cfa_offset 8\nmovl $28, %eax\naddq $8, %rsp\nret\n.cfi_endproc"),
        ("archive", 29, "answer: jmp member@PLT"),
        ("absolute", 30, "answer: movl $level, %eax\nret\n.globl level\nlevel = 30"),
        ("terminator", 31, """
            answer: movl value(%rip), %eax
            ret
            stop: movl $0, value(%rip)
            ret
            .section .fini_array,"aw",@fini_array
            .quad stop
            .data
            value: .long 31
            """),
        ("large alignment", 32, "answer: leaq value(%rip), %rax\nandl $2047, %eax\naddl $32, %eax\nret\n.section .rodata\n.p2align 11\nvalue: .long 1"),
    ];

    // What cannot be loaded. Its linker is not kept.
    private static readonly string[] s_refused =
    [
        ".globl answer\nanswer: movb $answer, %al\nret", // R_X86_64_8 out of range
        ".globl answer\nanswer: ret\n.section .eh_frame,\"a\",@progbits\n.long 77\n",
    ];

    private static IEnumerable<TestCaseData> Firsts => s_subjects.Select(subject => new TestCaseData(subject.Name))
        .Concat(s_refused.Index().Select(refused => new TestCaseData($"refused {refused.Index}")));

    [TestCaseSource(nameof(Firsts))]
    public void WhatIsLoadedAfterAnotherIsWhatIsLoadedFirst(string first)
    {
        using var folder = new TemporaryFolder();
        string archive = folder.File("l.a");
        File.WriteAllBytes(archive, ArchiveBuilder.Gnu(("m.o", LinkTest.Returning("member", 29).Build())).Build());
        (ElfObject before, int expectedBefore) = Subject(first);
        foreach ((string name, int answer, _) in s_subjects)
        {
            ElfObject elf = Subject(name).Object;
            Content fresh = Load(elf, archive, before: null, 0);
            Content after = Load(elf, archive, before, expectedBefore);

            Assert.That((fresh.Answer, after.Answer), Is.EqualTo((answer, answer)), $"{name} after {first}");
            Assert.That(after.Pulled, Is.EqualTo(fresh.Pulled), $"{name} after {first}");
            Assert.That(after.Sections, Is.EqualTo(fresh.Sections), $"{name} after {first}");
            Assert.That(after.Parts, Is.EqualTo(fresh.Parts), $"{name} after {first}");
        }
    }

    /// <summary>What was unloaded is not kept in memory by the linker that loaded it, which the library keeps.</summary>
    [Test]
    public void LinkerHoldsOnToNothing()
    {
        using var folder = new TemporaryFolder();
        string archive = folder.File("l.a");
        File.WriteAllBytes(archive, ArchiveBuilder.Gnu(("m.o", LinkTest.Returning("member", 29).Build())).Build());
        foreach ((string name, _, _) in s_subjects)
        {
            using var library = new ObjectLibrary("kept", s_options);
            library.AddArchive(archive);
            WeakReference[] gone = LoadAndUnload(library, name);

            GC.Collect();

            Assert.That(gone.Select(one => one.Target), Is.All.Null, name);
            Assert.That(library.Units, Is.Empty);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference[] LoadAndUnload(ObjectLibrary library, string name)
    {
        ElfObject elf = Subject(name).Object;
        LoadedUnit unit = library.Load([elf]);
        object?[] objects = [elf, unit, unit.Objects[0], unit.Resources.Allocation];
        unit.Unload();
        return [.. objects.Select(one => new WeakReference(one))];
    }

    private static (ElfObject Object, int Answer) Subject(string name)
    {
        foreach ((string other, int answer, string source) in s_subjects)
        {
            if (other == name)
            {
                return (Assembler.X64($".globl answer\n.type answer, @function\n{source}", $"{name}.o"), answer);
            }
        }

        return (Assembler.X64(s_refused[name[^1] - '0'], "refused.o"), 0);
    }

    private static Content Load(ElfObject elf, string archive, ElfObject? before, int expected)
    {
        using var library = new ObjectLibrary("kept", s_options);
        library.AddArchive(archive);
        if (before is not null && expected is 0)
        {
            Assert.Throws<LinkException>(() => library.Load([before]));
        }
        else if (before is not null)
        {
            LoadedUnit unit = library.Load([before]);
            Assert.That(library.GetFunction<Function>("answer")(), Is.EqualTo(expected));
            unit.Unload();
        }

        return new Content(library, library.Load([elf]));
    }

    /// <summary>What has been loaded: addresses are counted from where each block begins.</summary>
    private sealed class Content
    {
        internal Content(ObjectLibrary library, LoadedUnit unit)
        {
            Answer = library.GetFunction<Function>("answer")();
            MemoryAllocation allocation = unit.Resources.Allocation!;
            Pulled = unit.Pulled.Count;
            LinkMap map = LinkMap.Of([unit]);
            ulong Relative(ulong address)
            {
                for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
                {
                    ulong start = allocation.Address(zone);
                    if (address >= start && address - start < allocation.Size(zone))
                    {
                        return (((ulong)zone + 1) << 56) + (address - start);
                    }
                }

                return address;
            }

            Sections = [.. unit.Sections.Select(section => (section.Name, Relative(section.Address), section.Size))];
            Parts =
            [
                .. map.Symbols.Select(symbol => $"{symbol.Name} {symbol.Section} {Relative(symbol.Address):x} {symbol.Size} {symbol.Type}"),
                .. map.Stubs.Select(stub => $"{stub.Symbol} {stub.Kind} {Relative(stub.Address):x} to {Relative(stub.Target):x}"),
                .. map.Got.Select(slot => $"{slot.Symbol} {slot.Kind} {Relative(slot.Address):x}"),
                .. map.Segments.Select(segment => $"{Relative(segment.Address):x} {segment.Size} {segment.Flags}"),
            ];
        }

        internal int Answer { get; }

        internal int Pulled { get; }

        internal IReadOnlyList<(string Name, ulong Address, ulong Size)> Sections { get; }

        internal IReadOnlyList<string> Parts { get; }
    }
}
