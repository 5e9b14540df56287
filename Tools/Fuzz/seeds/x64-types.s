# Every relocation type of x86-64, groups, orders, notes, arrays, thread-local sequences.
    .text
    .globl f
    .type f, @function
f:  movq v@GOTPCREL(%rip), %rax
    callq *ext@GOTPCREL(%rip)
    jmpq *ext@GOTPCREL(%rip)
    addq v@GOTPCREL(%rip), %rcx
    cmpl v@GOTPCREL(%rip), %ecx
    callq ext@PLT
    jne ext
    leaq v+5(%rip), %rax
    movl $low, %eax
    movq $low, %rax
    movabsq $v+1, %rcx
    .cfi_startproc
    data16 leaq t@TLSGD(%rip), %rdi
    data16
    data16
    rex64 callq __tls_get_addr@PLT
    leaq u@TLSLD(%rip), %rdi
    callq __tls_get_addr@PLT
    leaq u@DTPOFF(%rax), %rcx
    movq t@GOTTPOFF(%rip), %rax
    addq t@GOTTPOFF(%rip), %rax
    movq %fs:0, %rax
    leaq u@TPOFF(%rax), %rdx
    leaq t@TLSDESC(%rip), %rax
    callq *t@TLSCALL(%rax)
    .cfi_endproc
    leaq _GLOBAL_OFFSET_TABLE_(%rip), %rbx
    movabsq $v@GOT, %rax
    movabsq $v@GOTOFF, %rax
    movabsq $ext@PLTOFF, %rax
    movabsq $_GLOBAL_OFFSET_TABLE_, %rax
    retq
    .size f, . - f
    .data
    .globl v
    .type v, @object
v:  .quad f, v+8, ext, weak
    .long v@PLT - ., v - ., f@GOTPCREL
    .short short16
    .byte byte8
    .zero 5
    .reloc ., R_X86_64_GOT32, v
    .reloc .+4, R_X86_64_PC16, v
    .reloc .+6, R_X86_64_PC8, v
    .reloc .+8, R_X86_64_PC64, ext
    .reloc .+16, R_X86_64_SIZE32, v
    .reloc .+20, R_X86_64_SIZE64, f
    .reloc .+28, R_X86_64_GOTPCREL64, v
    .reloc .+36, R_X86_64_GOTPLT64, v
    .reloc .+44, R_X86_64_DTPOFF64, u
    .reloc .+52, R_X86_64_TPOFF64, u
    .reloc .+60, R_X86_64_NONE, f
    .zero 64
    .size v, 64
    .weak weak
    .set short16, 0x1234
    .set byte8, 0x12
    .set low, 0x12345
    .section .tdata,"awT",@progbits
    .globl t
t:  .quad 7
    .section .tbss,"awT",@nobits
u:  .zero 24
    .section .text.group,"axG",@progbits,signature,comdat
    .weak signature
signature: callq f@PLT
    retq
    .section .data.group,"awG",@progbits,signature,comdat
    .quad signature
    .section .order,"ao",@progbits,.text
    .quad f
    .section .rodata.str1.1,"aMS",@progbits,1
.Lstring: .asciz "string"
    .section .rodata.cst8,"aM",@progbits,8
    .quad 1, 2
    .section .init_array.7,"aw",@init_array
    .quad f
    .section .ctors,"aw",@progbits
    .quad f
    .section .init,"ax",@progbits
    callq f
    .section .ldata,"awl",@progbits
    .quad .Lstring
    .comm block,100,32
    .lcomm here,40
    .section .note.test,"a",@note
    .long 4, 4, 1
    .asciz "abc"
    .long 0
    .section .note.GNU-stack,"",@progbits
