# Where a program for x86-64 starts that was loaded into this process: what a C library's start code does around main. It
# calls main(argc, argv, envp) with the floating-point environment that a process starts with, and gives exit what it
# returns. pthread_exit, thrd_exit and pthread_cancel end the thread by unwinding to the innermost buffer that
# __pthread_register_cancel was given (what C's pthread_cleanup_push is made of), so they end here, before the frames of
# whoever called: this tells `ended` of it, and lets the C library end the thread.
#
# The object has no unwind information: the C library takes that for the end of the stack, and looks no further.
#
#   as --64 X64Start.s -o X64Start.o

        .set    BUFFER_SIZE, 104                # __pthread_unwind_buf_t
        .set    ROUNDS, 4                       # PTHREAD_DESTRUCTOR_ITERATIONS

        .text
# void start_program(int (*main)(int, char **, char **), int argc, char **argv, char **envp, int (*ended)(void))
        .globl  start_program
        .type   start_program, @function
start_program:
        push    %rbp
        mov     %rsp, %rbp
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        sub     $BUFFER_SIZE, %rsp              # which leaves it a multiple of 16
        mov     %rdi, %rbx
        mov     %esi, %r12d
        mov     %rdx, %r13
        mov     %rcx, %r14
        mov     %r8, %r15
        call    *getpid@GOTPCREL(%rip)
        mov     %eax, process(%rip)
        lea     key(%rip), %rdi
        lea     last(%rip), %rsi
        call    *pthread_key_create@GOTPCREL(%rip)
        mov     %rsp, %rdi
        xor     %esi, %esi
        call    *__sigsetjmp@GOTPCREL(%rip)
        test    %eax, %eax
        jnz     1f
        mov     %rsp, %rdi
        call    *__pthread_register_cancel@GOTPCREL(%rip)
        fninit
        ldmxcsr initial(%rip)
        mov     %r12d, %edi
        mov     %r13, %rsi
        mov     %r14, %rdx
        xor     %eax, %eax
        call    *%rbx
        mov     %eax, %edi
        call    *exit@GOTPCREL(%rip)

# The thread is ending. A child that main has forked has none of the parent's threads: nobody there could answer.
1:      call    *getpid@GOTPCREL(%rip)
        cmp     %eax, process(%rip)
        jne     2f
        call    *%r15
        test    %eax, %eax
        jnz     3f
2:      mov     key(%rip), %edi                 # nobody else: exit(0) follows the destructors of thread-specific data
        mov     $1, %esi
        call    *pthread_setspecific@GOTPCREL(%rip)
3:      mov     %rsp, %rdi
        call    *__pthread_unwind_next@GOTPCREL(%rip)
        hlt
        .size   start_program, . - start_program

# void last(void *round): runs among the destructors, and after them, when they have had all their rounds
        .type   last, @function
last:
        mov     %rdi, %rsi
        inc     %rsi
        xor     %edi, %edi
        cmp     $ROUNDS, %rsi
        ja      1f
        mov     key(%rip), %edi
        jmp     *pthread_setspecific@GOTPCREL(%rip)
1:      push    %rax
        call    *exit@GOTPCREL(%rip)
        .size   last, . - last

        .section .rodata, "a", @progbits
        .p2align 2
initial:                                        # MXCSR of a new process: no exception noted, none enabled
        .long   0x1f80

        .bss
        .p2align 2
process:
        .skip   4
key:
        .skip   4

        .section .note.GNU-stack, "", @progbits
