@ Where an ARM program starts that brings no entry of its own: what a C library's start code does, without the library.
@ It prepares thread-local storage, has the resolvers of indirect functions called, runs the initializers, calls
@ main(argc, argv, envp), runs the finalizers, and ends the process with what main returned.
@
@ The instructions are those of Armv4T in Thumb, which Armv6-M has, too: every later processor executes them, so a
@ program for any may hold them, and the object has no build attributes. It calls through registers, so that no distance
@ and no change of instruction set needs a veneer. ArmStart.o is what
@ `llvm-mc-14 -triple armv4t-none-linux-gnueabi -filetype=obj ArmStart.s` makes of it; `main` and `_start` may get other
@ names in it (ArmStart.cs).

        .syntax unified

        .text
        .thumb
        .globl  _start
        .type   _start, %function
        .thumb_func
_start:
        .fnstart
        .cantunwind
        @ At the stack pointer: argc, argv..., 0, envp..., 0, {type, value} of the auxiliary vector..., AT_NULL.
        movs    r0, #0
        mov     r11, r0                 @ the outermost frame
        mov     r8, r0                  @ r8 = AT_HWCAP
        mov     r9, r0                  @ r9 = AT_PHDR
        mov     r10, r0                 @ r10 = AT_PHNUM
        mov     r4, sp
        ldmia   r4!, {r5}               @ r5 = argc, r4 = argv
        lsls    r6, r5, #2
        adds    r6, r6, #4
        adds    r6, r4, r6              @ r6 = envp

        movs    r0, r6
1:      ldmia   r0!, {r1}
        cmp     r1, #0
        bne     1b
2:      ldmia   r0!, {r1, r2}
        cmp     r1, #16                 @ AT_HWCAP
        bne     3f
        mov     r8, r2
3:      cmp     r1, #3                  @ AT_PHDR
        bne     4f
        mov     r9, r2
4:      cmp     r1, #5                  @ AT_PHNUM
        bne     5f
        mov     r10, r2
5:      cmp     r1, #0                  @ AT_NULL
        bne     2b

        mov     r0, r9
        mov     r1, r10
6:      cmp     r1, #0
        beq     .Lready
        ldr     r2, [r0]
        cmp     r2, #7                  @ PT_TLS
        beq     .Ltls
        adds    r0, #32                 @ the size of Elf32_Phdr
        subs    r1, #1
        b       6b

        @ The program's thread-local storage lies below the arguments, the thread pointer before it.
.Ltls:  ldr     r1, [r0, #28]           @ p_align
        cmp     r1, #8                  @ what the ABI reserves at the thread pointer, before the program's block
        bhs     1f
        movs    r1, #8
1:      ldr     r2, [r0, #20]           @ p_memsz
        mov     r3, sp
        subs    r3, r3, r2
        subs    r3, r3, r1
        rsbs    r2, r1, #0
        ands    r3, r2                  @ r3 = the block
        subs    r2, r3, r1              @ r2 = the thread pointer: its distance is that of the TCB, rounded up
        mov     sp, r2
        push    {r2, r3}
        ldr     r1, [r0, #8]            @ p_vaddr
        ldr     r2, [r0, #16]           @ p_filesz
        ldr     r7, [r0, #20]           @ p_memsz
        subs    r7, r7, r2
2:      cmp     r2, #0
        beq     3f
        ldrb    r0, [r1]
        strb    r0, [r3]
        adds    r1, #1
        adds    r3, #1
        subs    r2, #1
        b       2b
3:      cmp     r7, #0
        beq     4f
        strb    r2, [r3]
        adds    r3, #1
        subs    r7, #1
        b       3b
4:      pop     {r0, r1}
        ldr     r7, =0xf0005            @ __ARM_NR_set_tls
        svc     #0
.Lready:
        mov     r0, sp                  @ calls want a multiple of 8
        lsrs    r0, r0, #3
        lsls    r0, r0, #3
        mov     sp, r0
        ldr     r0, =__static_base
        mov     r9, r0                  @ what position-independent data is addressed relative to (AAPCS32, "RWPI")

        ldr     r7, =__rel_iplt_start   @ Elf32_Rel: a resolver's address is where that of what it picks is to be
1:      ldr     r0, =__rel_iplt_end
        cmp     r7, r0
        bhs     2f
        ldr     r1, [r7]
        ldr     r3, [r1]
        mov     r0, r8
        bl      call
        ldr     r1, [r7]
        str     r0, [r1]
        adds    r7, #8
        b       1b

2:      ldr     r0, =__preinit_array_start
        ldr     r1, =__preinit_array_end
        bl      initialize
        ldr     r0, =__init_array_start
        ldr     r1, =__init_array_end
        bl      initialize

        movs    r0, r5
        movs    r1, r4
        movs    r2, r6
        ldr     r3, =main
        bl      call
        movs    r4, r0

        ldr     r5, =__fini_array_start
        ldr     r6, =__fini_array_end
3:      cmp     r6, r5
        bls     4f
        subs    r6, #4
        ldr     r3, [r6]
        bl      call
        b       3b

4:      movs    r0, r4
        movs    r7, #248               @ exit_group
        svc     #0
        .fnend
        .size   _start, . - _start

        @ Calls what lies from r0 up to r1.
        .type   initialize, %function
        .thumb_func
initialize:
        .fnstart
        .cantunwind
        push    {r1, r6, r7, lr}
        movs    r7, r0
1:      ldr     r1, [sp]
        cmp     r7, r1
        bhs     2f
        ldmia   r7!, {r3}
        movs    r0, r5
        movs    r1, r4
        movs    r2, r6
        bl      call
        b       1b
2:      pop     {r1, r6, r7}
        pop     {r3}
        bx      r3
        .fnend
        .size   initialize, . - initialize

        .type   call, %function
        .thumb_func
call:   .fnstart
        .cantunwind
        bx      r3
        .fnend
        .size   call, . - call

        @ The thread pointer, for code that does not ask the processor for it. Changes r0 only. A C library's prevails.
        .weak   __aeabi_read_tp
        .type   __aeabi_read_tp, %function
        .thumb_func
__aeabi_read_tp:
        .fnstart
        .cantunwind
        push    {r1, lr}
        ldr     r0, =0xffff0fe0         @ __kuser_get_tls: what every Linux for ARM has at this address
        bl      1f
        ldr     r1, [sp, #4]
        mov     lr, r1
        pop     {r1}
        add     sp, #4
        bx      lr
1:      bx      r0
        .fnend
        .size   __aeabi_read_tp, . - __aeabi_read_tp

        .pool

        .section .note.GNU-stack, "", %progbits
