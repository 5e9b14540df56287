# The machine code of the shim (see ShimImage.cs): everything that must run without .NET, because it runs
# on threads that .NET does not know, while a thread ends, or at process exit.
# ShimCode.cs holds the assembled bytes; ShimCodeTests checks that they are these.
#
#   as --64 Shim.s -o shim.o && objcopy -O binary -j .text shim.o shim.bin
#
# The text lies at 0x1000 of the image; what it refers to lies at fixed distances (ShimLayout.cs).

        .text
        .set    image, . - 0x1000

# Constants, read-only
        .set    malloc,          image + 0xf00
        .set    free,            image + 0xf08
        .set    calloc,          image + 0xf10
        .set    aligned_alloc,   image + 0xf18
        .set    abort,           image + 0xf20
        .set    mutex_lock,      image + 0xf28
        .set    mutex_unlock,    image + 0xf30
        .set    set_specific,    image + 0xf38
        .set    thread_atexit,   image + 0xf40
        .set    host_tls,        image + 0xf48
        .set    modules,         image + 0xf50      # table of {image, image size, block size, alignment}
        .set    xsave_size,      image + 0xf58      # 0: no xsave
        .set    errno_location,  image + 0xf60
        .set    gettid,          image + 0xf68
        .set    cxa_atexit,      image + 0xf70
        .set    fork_state,      image + 0xf78      # {32 bits: changes being made; at 8: the first memory file; at 16: a count}
# GOT, filled by the host's dynamic linker
        .set    tls_base,        image + 0x2000     # of the shim's TLS block, from the thread pointer
# Data
        .set    mutex,           image + 0x3020
        .set    vectors,         image + 0x3048     # head of the list of all threads' vectors
        .set    key,             image + 0x3050     # pthread key whose destructor is thread_exit
        .set    pending,         image + 0x3058     # 32 bits: not 0 while a publication lets nobody into epochs
        .set    left,            image + 0x3060     # 32 bits: counts threads that left an epoch while one was pending
        .set    generation,      image + 0x3068     # number of publications
        .set    slots,           image + 0x3070     # head of the list of all threads' epoch slots
        .set    resolve,         image + 0x3078     # void *(*)(long token): finds the code of an entry without any

# The shim's TLS block
        .set    VECTOR, 8                           # this thread's vector
        .set    DTORS, 16                           # its pending thread-local destructors, newest first
        .set    DTORS_KNOWN, 24                     # 32 bits: whether glibc knows run_thread_dtors
        .set    ROUND, 28                           # 32 bits: how often thread_exit has run
        .set    EPOCH, 32                           # its epoch slot
        .set    OWED, 40                            # counter of the unit whose thread-local destructor runs
# Vector: the blocks of one thread, by module index
        .set    CAPACITY, 0
        .set    NEXT, 8
        .set    LINK, 16                            # address of the pointer that points here
        .set    BLOCKS, 24
# Module
        .set    INIT, 0
        .set    INIT_SIZE, 8
        .set    SIZE, 16
        .set    ALIGN, 24
# Epoch slot of a thread, 64 bytes, written by that thread only. STATE: 0 outside of epochs; else 4 * the generation at
# which it entered, + 1 where publications wait for it, + 2 where they do not.
        .set    STATE, 0
        .set    DEPTH, 8
        .set    SLOT_NEXT, 16
        .set    SLOT_LINK, 24
        .set    THREAD, 32
        .set    SLOT_SIZE, 64
# Memory file whose view a forked child gets a copy of
        .set    FILE_VIEW, 8
        .set    FILE_SIZE, 16
        .set    FILE_NUMBER, 24
        .set    FILE_RIGHTS, 32
        .set    FILE_COPY, 40                       # of a copy's {address, size}; 0: none
        .set    FILE_FIRST_COPY, 48                 # these of the copy that before_fork makes
        .set    FORKING, 0x40000000                 # from before_fork to the end of after_fork_in_parent
        .set    COPYING, 0x80000000                 # while one of the two looks at the files: nobody changes them
        .set    ROUNDS, 4                           # PTHREAD_DESTRUCTOR_ITERATIONS
# System calls
        .set    SYS_CLOSE, 3
        .set    SYS_LSEEK, 8
        .set    SYS_MMAP, 9
        .set    SYS_MPROTECT, 10
        .set    SYS_MUNMAP, 11
        .set    SYS_PREAD, 17
        .set    SYS_PWRITE, 18
        .set    SYS_YIELD, 24
        .set    SYS_MREMAP, 25
        .set    SYS_MADVISE, 28
        .set    SYS_FUTEX, 202
        .set    SYS_PRLIMIT, 302
        .set    SYS_MEMFD_CREATE, 319
        .set    WAIT_PRIVATE, 128
        .set    WAKE_PRIVATE, 129
# Node of a pending thread-local destructor
        .set    DTOR, 8
        .set    OBJECT, 16
        .set    COUNTER, 24

# Table of the variables of others that a unit may initialize (ForeignDestructors.cs): number of variables, which is not 0;
        .set    SETTER, 8                           # thread that may set guards without acquiring them; -1: any
        .set    HELD, 16                            # how many guards that thread holds
        .set    ACQUIRE, 24                         # the host's __cxa_guard_acquire; 0: not the host's, -1: not used
        .set    RELEASE, 32
        .set    ABORT, 40
        .set    VARIABLES, 48
# and of each variable: first byte;
        .set    LIMIT, 8                            # byte after the last
        .set    OWNER, 16                           # owner's __dso_handle
        .set    OWED_DTORS, 24                      # destructors registered, that have not run
        .set    GUARD, 32                           # 0: none
        .set    IS_KNOWN, 40                        # byte: whether it is known that the guard is set
        .set    HOLDER, 48                          # thread that holds the guard
        .set    INNER, 56                           # how many others it has acquired since
        .set    VARIABLE_SIZE, 64

# void *thread_pointer(void)
        .p2align 4
thread_pointer:
        mov     %fs:0, %rax
        ret

# void __jit_debug_register_code(void): the debugger's breakpoint
        .p2align 4
jit_debug_register_code:
        nop
        ret

# void *__tls_get_addr(tls_index *{module, offset})
#   module >= 0: the host's. Bit 62 clear: the low half is an index into the thread's vector.
#   Bit 62 set: the low half is the block's distance from the thread pointer.
        .p2align 4
tls_get_addr:
        mov     (%rdi), %rax
        mov     tls_base(%rip), %rdx
        mov     %fs:VECTOR(%rdx), %rdx
        test    %rax, %rax
        jns     1f
        mov     %eax, %ecx
        test    %rdx, %rdx
        jz      2f
        cmp     CAPACITY(%rdx), %rcx
        jae     2f
        mov     BLOCKS(%rdx,%rcx,8), %rdx
        test    %rdx, %rdx
        jz      2f
        mov     8(%rdi), %rax
        add     %rdx, %rax
        ret
1:      jmp     *host_tls(%rip)
2:      bt      $62, %rax
        jc      3f
        push    %rbp                                # the caller's stack may be misaligned
        mov     %rsp, %rbp
        push    %rdi
        and     $-16, %rsp
        mov     %ecx, %edi
        call    materialize
        mov     -8(%rbp), %rdi
        add     8(%rdi), %rax
        leave
        ret
3:      cltq
        add     %fs:0, %rax
        add     8(%rdi), %rax
        ret

# void *materialize(index): this thread's block of a module, made now
        .p2align 4
materialize:
        push    %rbp
        mov     %rsp, %rbp
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        mov     %edi, %ebx
        mov     tls_base(%rip), %r12
        add     %fs:0, %r12
        mov     VECTOR(%r12), %r13
        test    %r13, %r13
        jz      1f
        cmp     %rbx, CAPACITY(%r13)
        ja      5f
1:      mov     %ebx, %r14d                         # a larger vector: index * 3/2 + 16
        shr     %r14d
        lea     16(%r14,%rbx), %r14
        lea     3(%r14), %rdi
        mov     $8, %esi
        call    *calloc(%rip)
        test    %rax, %rax
        jz      9f
        mov     %r14, CAPACITY(%rax)
        mov     %rax, %r14
        call    lock
        test    %r13, %r13
        jz      2f
        mov     CAPACITY(%r13), %rcx                # in place of the old one
        lea     BLOCKS(%r13), %rsi
        lea     BLOCKS(%r14), %rdi
        rep movsq
        mov     NEXT(%r13), %rax
        mov     LINK(%r13), %rdx
        jmp     3f
2:      mov     vectors(%rip), %rax                 # at the head of the list
        lea     vectors(%rip), %rdx
3:      mov     %rax, NEXT(%r14)
        mov     %rdx, LINK(%r14)
        mov     %r14, (%rdx)
        test    %rax, %rax
        jz      4f
        lea     NEXT(%r14), %rdx
        mov     %rdx, LINK(%rax)
4:      mov     %r14, VECTOR(%r12)
        call    unlock
        mov     %r13, %rdi
        mov     %r14, %r13
        call    *free(%rip)
        mov     key(%rip), %edi                     # any value but zero makes thread_exit run
        mov     %r13, %rsi
        call    *set_specific(%rip)
5:      mov     %rbx, %r14
        shl     $5, %r14
        add     modules(%rip), %r14
        mov     SIZE(%r14), %rsi
        test    %rsi, %rsi
        jz      9f                                  # no such module
        mov     ALIGN(%r14), %rdi
        cmp     $16, %rdi
        ja      6f
        mov     %rsi, %rdi
        call    *malloc(%rip)
        jmp     7f
6:      call    *aligned_alloc(%rip)
7:      test    %rax, %rax
        jz      9f
        mov     %rax, %rdx
        mov     %rax, %rdi
        mov     INIT(%r14), %rsi
        mov     INIT_SIZE(%r14), %rcx
        rep movsb
        mov     SIZE(%r14), %rcx
        sub     INIT_SIZE(%r14), %rcx
        xor     %eax, %eax
        rep stosb
        mov     %rdx, BLOCKS(%r13,%rbx,8)
        mov     %rdx, %rax
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        ret
9:      call    *abort(%rip)                        # no memory: there is nobody to tell

        .p2align 4
lock:
        lea     mutex(%rip), %rdi
        jmp     *mutex_lock(%rip)
        .p2align 4
unlock:
        lea     mutex(%rip), %rdi
        jmp     *mutex_unlock(%rip)

# void thread_exit(void *): frees the thread's blocks and its epoch slot; destructor of the pthread key. Destructors of other
# keys may use thread-local variables, so it waits for their last round. Where thread-local destructors are pending even then,
# the blocks stay: the primary thread is ending, whose destructors exit runs.
        .p2align 4
thread_exit:
        push    %rbp
        mov     %rsp, %rbp
        push    %rbx
        push    %r12
        mov     tls_base(%rip), %rax
        add     %fs:0, %rax
        incl    ROUND(%rax)
        cmpl    $ROUNDS, ROUND(%rax)
        jae     6f
        mov     key(%rip), %edi
        mov     $1, %esi
        call    *set_specific(%rip)
        jmp     5f
6:      cmpq    $0, DTORS(%rax)
        jne     3f
        mov     VECTOR(%rax), %rbx
        test    %rbx, %rbx
        jz      3f
        movq    $0, VECTOR(%rax)
        call    lock
        mov     NEXT(%rbx), %rax
        mov     LINK(%rbx), %rdx
        mov     %rax, (%rdx)
        test    %rax, %rax
        jz      1f
        mov     %rdx, LINK(%rax)
1:      call    unlock
        mov     CAPACITY(%rbx), %r12
2:      mov     BLOCKS-8(%rbx,%r12,8), %rdi
        call    *free(%rip)
        dec     %r12
        jnz     2b
        mov     %rbx, %rdi
        call    *free(%rip)
3:      mov     tls_base(%rip), %rax                # the epoch slot: who has ended is in no epoch
        add     %fs:0, %rax
        mov     EPOCH(%rax), %rbx
        test    %rbx, %rbx
        jz      5f
        movq    $0, EPOCH(%rax)
        call    lock
        mov     SLOT_NEXT(%rbx), %rax
        mov     SLOT_LINK(%rbx), %rdx
        mov     %rax, (%rdx)
        test    %rax, %rax
        jz      4f
        mov     %rdx, SLOT_LINK(%rax)
4:      call    unlock
        mov     %rbx, %rdi
        call    *free(%rip)
5:      pop     %r12
        pop     %rbx
        pop     %rbp
        ret

# void forget_threads(void): in a forked child this thread is the only one. Others may have held the lock, or changed the lists,
# when it was forked; a handler before the fork that took the lock would keep them, and whoever waits for them, waiting.
        .p2align 4
forget_threads:
        push    %rbx
        lea     mutex(%rip), %rdi
        xor     %eax, %eax
        mov     $5, %ecx
        rep stosq
        mov     %eax, pending(%rip)                 # who has published there does not here
        mov     tls_base(%rip), %rbx
        add     %fs:0, %rbx
        mov     VECTOR(%rbx), %rax
        mov     %rax, vectors(%rip)
        test    %rax, %rax
        jz      1f
        movq    $0, NEXT(%rax)
        lea     vectors(%rip), %rdx
        mov     %rdx, LINK(%rax)
1:      mov     EPOCH(%rbx), %rbx
        mov     %rbx, slots(%rip)
        test    %rbx, %rbx
        jz      2f
        movq    $0, SLOT_NEXT(%rbx)
        lea     slots(%rip), %rdx
        mov     %rdx, SLOT_LINK(%rbx)
        call    *gettid(%rip)
        mov     %eax, THREAD(%rbx)
2:      pop     %rbx
        ret

# void free_blocks(index): the module's block in every thread
        .p2align 4
free_blocks:
        push    %rbp
        mov     %rsp, %rbp
        push    %rbx
        push    %r12
        mov     %edi, %ebx
        xor     %r12d, %r12d                        # blocks taken, chained through their first word
        call    lock
        mov     vectors(%rip), %rax
1:      test    %rax, %rax
        jz      3f
        cmp     %rbx, CAPACITY(%rax)
        jbe     2f
        mov     BLOCKS(%rax,%rbx,8), %rcx
        test    %rcx, %rcx
        jz      2f
        movq    $0, BLOCKS(%rax,%rbx,8)
        mov     %r12, (%rcx)
        mov     %rcx, %r12
2:      mov     NEXT(%rax), %rax
        jmp     1b
3:      call    unlock
4:      test    %r12, %r12
        jz      5f
        mov     %r12, %rdi
        mov     (%r12), %r12
        call    *free(%rip)
        jmp     4b
5:      pop     %r12
        pop     %rbx
        pop     %rbp
        ret

# void census(long counts[2]): adds the number of vectors and of blocks
        .p2align 4
census:
        push    %rbx
        mov     %rdi, %rbx
        call    lock
        mov     vectors(%rip), %rax
1:      test    %rax, %rax
        jz      3f
        incq    (%rbx)
        mov     CAPACITY(%rax), %rcx
2:      cmpq    $1, BLOCKS-8(%rax,%rcx,8)           # carry: the entry is empty
        cmc
        adcq    $0, 8(%rbx)
        dec     %rcx
        jnz     2b
        mov     NEXT(%rax), %rax
        jmp     1b
3:      call    unlock
        pop     %rbx
        ret

# TLS descriptors: rax = &{resolver, argument}; returns the distance from the thread pointer in rax and
# keeps every register but rax and the flags ("TLS Descriptors" in the psABI).

# argument: the distance
        .p2align 4
tlsdesc_static:
        mov     8(%rax), %rax
        ret

# argument: the addend of an undefined weak symbol, whose address is then the addend
        .p2align 4
tlsdesc_undefined:
        mov     8(%rax), %rax
        sub     %fs:0, %rax
        ret

# argument: address of a tls_index
        .p2align 4
tlsdesc_dynamic:
        push    %rdi
        push    %rsi
        mov     8(%rax), %rdi
        mov     (%rdi), %rax
        test    %rax, %rax
        jns     1f
        mov     %eax, %eax
        mov     tls_base(%rip), %rsi
        mov     %fs:VECTOR(%rsi), %rsi
        test    %rsi, %rsi
        jz      1f
        cmp     CAPACITY(%rsi), %rax
        jae     1f
        mov     BLOCKS(%rsi,%rax,8), %rax
        test    %rax, %rax
        jz      1f
        add     8(%rdi), %rax
        sub     %fs:0, %rax
        pop     %rsi
        pop     %rdi
        ret
1:      push    %rbp
        mov     %rsp, %rbp
        push    %rcx
        push    %rdx
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %rbx
        mov     xsave_size(%rip), %rcx
        test    %rcx, %rcx
        jz      2f
        sub     %rcx, %rsp
        and     $-64, %rsp
        xor     %eax, %eax                          # the header, which xsave does not write in full
        mov     %rax, 512(%rsp)
        mov     %rax, 520(%rsp)
        mov     %rax, 528(%rsp)
        mov     %rax, 536(%rsp)
        mov     %rax, 544(%rsp)
        mov     %rax, 552(%rsp)
        mov     %rax, 560(%rsp)
        mov     %rax, 568(%rsp)
        mov     $0xfff9ffff, %eax                   # everything but the AMX tiles
        mov     $0xffffffff, %edx
        xsave64 (%rsp)
        call    tls_get_addr
        mov     %rax, %rbx
        mov     $0xfff9ffff, %eax
        mov     $0xffffffff, %edx
        xrstor64 (%rsp)
        jmp     3f
2:      sub     $512, %rsp
        and     $-64, %rsp
        fxsave64 (%rsp)
        call    tls_get_addr
        mov     %rax, %rbx
        fxrstor64 (%rsp)
3:      mov     %rbx, %rax
        sub     %fs:0, %rax
        lea     -56(%rbp), %rsp
        pop     %rbx
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdx
        pop     %rcx
        pop     %rbp
        pop     %rsi
        pop     %rdi
        ret

# int add_thread_dtor(void (*dtor)(void *), void *object, void *dso, long *counter)
        .p2align 4
add_thread_dtor:
        push    %rbp
        mov     %rsp, %rbp
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        mov     %rdi, %rbx
        mov     %rsi, %r12
        mov     %rcx, %r13
        mov     $32, %edi
        call    *malloc(%rip)
        test    %rax, %rax
        jz      2f
        mov     %rbx, DTOR(%rax)
        mov     %r12, OBJECT(%rax)
        mov     %r13, COUNTER(%rax)
        lock incq (%r13)
        mov     tls_base(%rip), %rbx
        add     %fs:0, %rbx
        mov     DTORS(%rbx), %rcx
        mov     %rcx, (%rax)
        mov     %rax, DTORS(%rbx)
        cmpl    $0, DTORS_KNOWN(%rbx)
        jne     1f
        movl    $1, DTORS_KNOWN(%rbx)
        lea     run_thread_dtors(%rip), %rdi
        xor     %esi, %esi
        lea     vectors(%rip), %rdx                 # any address of the shim
        call    *thread_atexit(%rip)
1:      xor     %eax, %eax
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        ret
2:      call    *abort(%rip)                        # as glibc does

# void run_thread_dtors(void *): all that this thread owes, newest first. Meanwhile the thread is in an epoch that nobody waits
# for: entries lead destructors into the code of whoever has the function now, which must not be freed under them.
        .p2align 4
run_thread_dtors:
        push    %rbp
        mov     %rsp, %rbp
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        mov     tls_base(%rip), %rbx
        add     %fs:0, %rbx
        call    epoch_slot
        incq    DEPTH(%rax)
        cmpq    $1, DEPTH(%rax)
        jne     1f
        mov     generation(%rip), %rcx
        lea     2(,%rcx,4), %rcx
        mov     %rcx, STATE(%rax)
1:      mov     DTORS(%rbx), %r12
        test    %r12, %r12
        jz      2f
        mov     (%r12), %rax
        mov     %rax, DTORS(%rbx)
        mov     COUNTER(%r12), %r13
        mov     OWED(%rbx), %r14
        mov     %r13, OWED(%rbx)
        mov     OBJECT(%r12), %rdi
        call    *DTOR(%r12)
        mov     %r14, OWED(%rbx)
        lock decq (%r13)                            # the unit may be freed from here on
        mov     %r12, %rdi
        call    *free(%rip)
        jmp     1b
2:      movl    $0, DTORS_KNOWN(%rbx)
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        jmp     epoch_leave

# void run_unit_thread_dtors(long *counter): what this thread owes to one unit
        .p2align 4
run_unit_thread_dtors:
        push    %rbp
        mov     %rsp, %rbp
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        mov     %rdi, %r13
        mov     tls_base(%rip), %rbx
        add     %fs:0, %rbx
1:      lea     DTORS(%rbx), %rcx
2:      mov     (%rcx), %r12
        test    %r12, %r12
        jz      4f
        cmp     %r13, COUNTER(%r12)
        je      3f
        mov     %r12, %rcx
        jmp     2b
3:      mov     (%r12), %rax
        mov     %rax, (%rcx)
        mov     OWED(%rbx), %r14
        mov     %r13, OWED(%rbx)
        mov     OBJECT(%r12), %rdi
        call    *DTOR(%r12)
        mov     %r14, OWED(%rbx)
        lock decq (%r13)
        mov     %r12, %rdi
        call    *free(%rip)
        jmp     1b
4:      pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        ret

# int add_foreign_dtor(void (*dtor)(void *), void *object, void *dso, table *)
#   __cxa_atexit of a unit that uses variables of others: the destructor of such a variable belongs to its owner, and is
#   counted while it is pending. The table has the variables, and their guards (Itanium C++ ABI, "Guard Variables").
#   Of an array, compilers register a function without an object. It is another one's
#   - if this thread holds that one's guard, and has acquired no other since then that it still holds;
#   - where guards are not acquired, if that one's has been set (byte 0) since it was last known to be;
#   - where nobody tells who acquires guards, if that one's is in use (byte 1) and not set.
#   Else it is the unit's own.
        .p2align 4
add_foreign_dtor:
        mov     (%rcx), %r8
        test    %rsi, %rsi
        jz      3f
        lea     VARIABLES(%rcx), %rcx
1:      cmp     (%rcx), %rsi
        jb      2f
        cmp     LIMIT(%rcx), %rsi
        jb      10f
2:      add     $VARIABLE_SIZE, %rcx
        dec     %r8
        jnz     1b
        jmp     *cxa_atexit(%rip)
3:      mov     %fs:0, %r11
        xor     %r10d, %r10d                        # bit 0: guards are set without being acquired; bit 1: nobody tells
        mov     SETTER(%rcx), %rax
        cmp     $-1, %rax
        je      4f
        cmp     %r11, %rax
        jne     5f
        cmpq    $0, HELD(%rcx)
        jne     5f
4:      mov     $1, %r10d
5:      cmpq    $0, ACQUIRE(%rcx)
        jne     6f
        or      $2, %r10d
6:      xor     %r9d, %r9d
        lea     VARIABLES(%rcx), %rcx
7:      cmp     %r11, HOLDER(%rcx)
        jne     8f
        cmpq    $0, INNER(%rcx)
        je      10f
8:      mov     GUARD(%rcx), %rax
        test    %rax, %rax
        jz      9f
        movzwl  (%rax), %eax
        test    %al, %al
        jnz     12f
        test    $2, %r10b
        jz      9f
        test    %ah, %ah
        cmovnz  %rcx, %r9
        jmp     9f
12:     test    $1, %r10b
        jz      9f
        cmpb    $0, IS_KNOWN(%rcx)
        cmove   %rcx, %r9
9:      add     $VARIABLE_SIZE, %rcx
        dec     %r8
        jnz     7b
        mov     %r9, %rcx
        test    %rcx, %rcx
        jnz     10f
        jmp     *cxa_atexit(%rip)
10:     movb    $1, IS_KNOWN(%rcx)
        push    %rbp
        mov     %rsp, %rbp
        push    %rbx
        push    %r12
        push    %r13
        push    %r13
        mov     %rdi, %rbx
        mov     %rsi, %r12
        mov     %rcx, %r13
        mov     $32, %edi
        call    *malloc(%rip)
        test    %rax, %rax
        jz      4f
        lea     OWED_DTORS(%r13), %rcx
        mov     %rbx, DTOR(%rax)
        mov     %r12, OBJECT(%rax)
        mov     %rcx, COUNTER(%rax)
        lock incq (%rcx)
        lea     run_foreign_dtor(%rip), %rdi
        mov     %rax, %rsi
        mov     OWNER(%r13), %rdx
        mov     %rax, %rbx
        call    *cxa_atexit(%rip)
        test    %eax, %eax
        jz      5f
        lock decq OWED_DTORS(%r13)
        mov     %rbx, %rdi
        call    *free(%rip)
4:      mov     $-1, %eax
5:      pop     %r13
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        ret

# int acquire_guard(guard *, table *): __cxa_guard_acquire of such a unit. Notes who holds the guards of the table's variables,
# and how many others that thread has acquired since.
        .p2align 4
acquire_guard:
        push    %rbx
        push    %r12
        push    %r12
        mov     %rdi, %rbx
        mov     %rsi, %r12
        call    *ACQUIRE(%rsi)
        test    %eax, %eax
        jz      5f
        mov     %fs:0, %r11
        cmp     SETTER(%r12), %r11
        jne     1f
        incq    HELD(%r12)
1:      mov     (%r12), %r8
        lea     VARIABLES(%r12), %rcx
2:      cmp     GUARD(%rcx), %rbx
        jne     3f
        movq    $0, INNER(%rcx)
        mov     %r11, HOLDER(%rcx)
        jmp     4f
3:      cmp     HOLDER(%rcx), %r11
        jne     4f
        incq    INNER(%rcx)
4:      add     $VARIABLE_SIZE, %rcx
        dec     %r8
        jnz     2b
5:      pop     %r12
        pop     %r12
        pop     %rbx
        ret

# void release_guard(guard *, table *): __cxa_guard_release of such a unit
        .p2align 4
release_guard:
        mov     RELEASE(%rsi), %r10
        jmp     leave_guard

# void abort_guard(guard *, table *): __cxa_guard_abort of such a unit
        .p2align 4
abort_guard:
        mov     ABORT(%rsi), %r10
        jmp     leave_guard

# void leave_guard(guard *, table *), and the function in r10: the thread holds the guard no longer
        .p2align 4
leave_guard:
        mov     %fs:0, %r11
        cmp     SETTER(%rsi), %r11
        jne     1f
        decq    HELD(%rsi)
1:      mov     (%rsi), %r8
        lea     VARIABLES(%rsi), %rcx
2:      cmp     GUARD(%rcx), %rdi
        jne     3f
        movq    $0, HOLDER(%rcx)
        movb    $1, IS_KNOWN(%rcx)
        jmp     4f
3:      cmp     HOLDER(%rcx), %r11
        jne     4f
        decq    INNER(%rcx)
4:      add     $VARIABLE_SIZE, %rcx
        dec     %r8
        jnz     2b
        jmp     *%r10

# void run_foreign_dtor(node *)
        .p2align 4
run_foreign_dtor:
        push    %rbx
        mov     %rdi, %rbx
        mov     OBJECT(%rdi), %rdi
        call    *DTOR(%rbx)
        mov     COUNTER(%rbx), %rax
        lock decq (%rax)                            # the unit may be freed from here on
        mov     %rbx, %rdi
        pop     %rbx
        jmp     *free(%rip)

# long *owed_counter(void): the counter of the unit whose thread-local destructor this thread runs; 0 if it runs none
        .p2align 4
owed_counter:
        mov     tls_base(%rip), %rax
        mov     %fs:OWED(%rax), %rax
        ret

# void run_backwards({long count; void (*functions[])(void)} *)
        .p2align 4
run_backwards:
        push    %rbp
        mov     %rsp, %rbp
        push    %rbx
        push    %r12
        mov     %rdi, %rbx
        mov     (%rdi), %r12
1:      test    %r12, %r12
        jz      2f
        call    *(%rbx,%r12,8)
        dec     %r12
        jmp     1b
2:      pop     %r12
        pop     %rbx
        pop     %rbp
        ret

# void before_fork(void): copies all memory files, which nobody changes meanwhile. What is changed from then on is changed in the
# copies, too (ForkedChildren.cs), so that nobody waits for the fork: it may wait, in a handler of others, for who would.
        .p2align 4
before_fork:
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     fork_state(%rip), %rbx
1:      mov     (%rbx), %eax
        test    $FORKING, %eax
        jnz     2f                                  # another thread forks
        mov     %eax, %ecx
        or      $FORKING | COPYING, %ecx
        lock cmpxchg %ecx, (%rbx)
        je      3f
2:      mov     $SYS_YIELD, %eax
        syscall
        jmp     1b
3:      cmpl    $FORKING | COPYING, (%rbx)
        je      4f
        mov     $SYS_YIELD, %eax
        syscall
        jmp     3b
4:      mov     8(%rbx), %r12
5:      test    %r12, %r12
        jz      11f
        movq    $0, FILE_COPY(%r12)
        mov     FILE_SIZE(%r12), %rsi
        test    %rsi, %rsi
        jz      10f
        xor     %edi, %edi
        mov     $3, %edx                            # PROT_READ | PROT_WRITE
        mov     $0x4022, %r10d                      # MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        mov     $-1, %r8
        xor     %r9d, %r9d
        mov     $SYS_MMAP, %eax
        syscall
        cmp     $-4096, %rax
        ja      10f                                 # no memory: the child will see the parent's
        mov     %rax, %r13
        mov     %rax, %rdi
        mov     FILE_SIZE(%r12), %rsi
        mov     $14, %edx                           # MADV_HUGEPAGE: fewer faults, where the system has them
        mov     $SYS_MADVISE, %eax
        syscall
        xor     %r14d, %r14d
6:      mov     FILE_NUMBER(%r12), %edi             # the next pages that are there
        mov     %r14, %rsi
        mov     $3, %edx                            # SEEK_DATA
        mov     $SYS_LSEEK, %eax
        syscall
        cmp     $-6, %rax                           # ENXIO: no more
        je      8f
        test    %rax, %rax
        js      9f
        cmp     FILE_SIZE(%r12), %rax
        jae     8f
        mov     %rax, %r14
        mov     FILE_NUMBER(%r12), %edi
        mov     %r14, %rsi
        mov     $4, %edx                            # SEEK_HOLE
        mov     $SYS_LSEEK, %eax
        syscall
        test    %rax, %rax
        js      9f
        cmp     FILE_SIZE(%r12), %rax
        cmova   FILE_SIZE(%r12), %rax
        mov     %rax, %r15
7:      mov     FILE_NUMBER(%r12), %edi
        lea     (%r13,%r14), %rsi
        mov     %r15, %rdx
        sub     %r14, %rdx
        mov     %r14, %r10
        mov     $SYS_PREAD, %eax
        syscall
        test    %rax, %rax
        jle     9f
        add     %rax, %r14
        cmp     %r15, %r14
        jb      7b
        jmp     6b
8:      mov     FILE_SIZE(%r12), %rsi
        lea     FILE_FIRST_COPY(%r12), %rax
        mov     %r13, (%rax)
        mov     %rsi, 8(%rax)
        mov     %rax, FILE_COPY(%r12)
        jmp     10f
9:      mov     %r13, %rdi
        mov     FILE_SIZE(%r12), %rsi
        mov     $SYS_MUNMAP, %eax
        syscall
10:     mov     (%r12), %r12
        jmp     5b
11:     lock andl $~COPYING, (%rbx)
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        ret

# void after_fork_in_parent(void): throws the copies away
        .p2align 4
after_fork_in_parent:
        push    %rbx
        push    %r12
        mov     fork_state(%rip), %rbx
        lock orl $COPYING, (%rbx)
1:      cmpl    $FORKING | COPYING, (%rbx)
        je      2f
        mov     $SYS_YIELD, %eax
        syscall
        jmp     1b
2:      mov     8(%rbx), %r12
3:      test    %r12, %r12
        jz      5f
        mov     FILE_COPY(%r12), %rax
        test    %rax, %rax
        jz      4f
        movq    $0, FILE_COPY(%r12)
        mov     (%rax), %rdi
        mov     8(%rax), %rsi
        mov     $SYS_MUNMAP, %eax
        syscall
4:      mov     (%r12), %r12
        jmp     3b
5:      movl    $0, (%rbx)
        pop     %r12
        pop     %rbx
        ret

# void after_fork_in_child(void): the copies take the places of the views. A child that cannot have one is counted, where its
# parent sees it.
        .p2align 4
after_fork_in_child:
        push    %rbx
        push    %r12
        push    %r13
        mov     fork_state(%rip), %rbx
        xor     %r13d, %r13d
        mov     8(%rbx), %r12
1:      test    %r12, %r12
        jz      6f
        cmpq    $0, FILE_SIZE(%r12)
        je      5f
        mov     FILE_COPY(%r12), %rax
        test    %rax, %rax
        jz      4f
        mov     (%rax), %rdi
        mov     8(%rax), %rsi
        mov     FILE_RIGHTS(%r12), %rdx
        mov     $SYS_MPROTECT, %eax
        syscall
        test    %eax, %eax
        jnz     2f
        mov     FILE_COPY(%r12), %rax
        mov     (%rax), %rdi
        mov     8(%rax), %rsi
        mov     %rsi, %rdx
        mov     $3, %r10d                           # MREMAP_MAYMOVE | MREMAP_FIXED
        mov     FILE_VIEW(%r12), %r8
        mov     $SYS_MREMAP, %eax
        syscall
        cmp     $-4096, %rax
        ja      4f
        jmp     3f
2:      call    copy_in_file
        test    %eax, %eax
        jnz     4f
3:      movq    $0, FILE_SIZE(%r12)                 # a view of its own, which its children get without a copy
        jmp     5f
4:      mov     $1, %r13d
5:      movq    $0, FILE_COPY(%r12)
        mov     (%r12), %r12
        jmp     1b
6:      movl    $0, (%rbx)
        test    %r13d, %r13d
        jz      7f
        mov     16(%rbx), %rax
        test    %rax, %rax
        jz      7f
        lock incq (%rax)
7:      pop     %r13
        pop     %r12
        pop     %rbx
        ret

# int copy_in_file(void): of the memory file in r12, where private memory may not be made executable: a file of the child's own
# takes the place of the view. Nobody ever writes to it. Returns 0 if it is there.
        .p2align 4
copy_in_file:
        push    %rbx
        push    %r13
        push    %r14
        push    %r15
        sub     $16, %rsp
        mov     FILE_COPY(%r12), %rax
        mov     (%rax), %r13
        mov     8(%rax), %r14
        mov     $1, %ebx                            # what is returned
        xor     %edi, %edi
        mov     $1, %esi                            # RLIMIT_FSIZE: to exceed it would end the process
        xor     %edx, %edx
        mov     %rsp, %r10
        mov     $SYS_PRLIMIT, %eax
        syscall
        test    %eax, %eax
        jnz     5f
        cmp     %r14, (%rsp)
        jb      5f
        lea     6f(%rip), %rdi
        mov     $0x11, %esi                         # MFD_CLOEXEC | MFD_EXEC
        mov     $SYS_MEMFD_CREATE, %eax
        syscall
        test    %eax, %eax
        jns     1f
        lea     6f(%rip), %rdi                      # kernels before 6.3 do not know MFD_EXEC
        mov     $1, %esi
        mov     $SYS_MEMFD_CREATE, %eax
        syscall
        test    %eax, %eax
        js      5f
1:      mov     %eax, %r15d
        xor     %r10d, %r10d
2:      mov     %r15d, %edi
        lea     (%r13,%r10), %rsi
        mov     %r14, %rdx
        sub     %r10, %rdx
        mov     $SYS_PWRITE, %eax
        syscall
        test    %rax, %rax
        jle     4f
        add     %rax, %r10
        cmp     %r14, %r10
        jb      2b
        mov     FILE_VIEW(%r12), %rdi
        mov     %r14, %rsi
        mov     FILE_RIGHTS(%r12), %rdx
        mov     $0x11, %r10d                        # MAP_SHARED | MAP_FIXED
        mov     %r15, %r8
        xor     %r9d, %r9d
        mov     $SYS_MMAP, %eax
        syscall
        cmp     $-4096, %rax
        ja      4f
        xor     %ebx, %ebx
4:      mov     %r15d, %edi
        mov     $SYS_CLOSE, %eax
        syscall
5:      mov     %r13, %rdi
        mov     %r14, %rsi
        mov     $SYS_MUNMAP, %eax
        syscall
        mov     %ebx, %eax
        add     $16, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %rbx
        ret
6:      .asciz  "elfloader"

# slot *epoch_slot(void): this thread's slot, made at its first use
        .p2align 4
epoch_slot:
        mov     tls_base(%rip), %rax
        mov     %fs:EPOCH(%rax), %rax
        test    %rax, %rax
        jz      1f
        ret
1:      push    %rbp
        mov     %rsp, %rbp
        push    %rbx
        push    %rbx
        mov     $64, %edi
        mov     $SLOT_SIZE, %esi
        call    *aligned_alloc(%rip)
        test    %rax, %rax
        jz      3f
        mov     %rax, %rbx
        mov     %rax, %rdi
        mov     $SLOT_SIZE / 8, %ecx
        xor     %eax, %eax
        rep stosq
        call    *gettid(%rip)
        mov     %eax, THREAD(%rbx)
        call    lock
        mov     slots(%rip), %rax
        lea     slots(%rip), %rdx
        mov     %rax, SLOT_NEXT(%rbx)
        mov     %rdx, SLOT_LINK(%rbx)
        mov     %rbx, (%rdx)
        test    %rax, %rax
        jz      2f
        lea     SLOT_NEXT(%rbx), %rdx
        mov     %rdx, SLOT_LINK(%rax)
2:      call    unlock
        mov     tls_base(%rip), %rax
        add     %fs:0, %rax
        mov     %rbx, EPOCH(%rax)
        mov     key(%rip), %edi                     # any value but zero makes thread_exit run
        mov     %rbx, %rsi
        call    *set_specific(%rip)
        mov     %rbx, %rax
        pop     %rbx
        pop     %rbx
        pop     %rbp
        ret
3:      call    *abort(%rip)                        # no memory: there is nobody to tell

# void epoch_enter(void): from here to the last epoch_leave, publications wait for this thread
        .p2align 4
epoch_enter:
        mov     tls_base(%rip), %rdx
        mov     %fs:EPOCH(%rdx), %rdx
        test    %rdx, %rdx
        jz      1f
0:      incq    DEPTH(%rdx)
        cmpq    $1, DEPTH(%rdx)
        jne     2f
        mov     generation(%rip), %rax
        lea     1(,%rax,4), %rax
        mov     %rax, STATE(%rdx)
        cmpl    $0, pending(%rip)                   # no fence: the publisher interrupts all processors (membarrier)
        jne     epoch_wait
2:      ret
1:      push    %rbp
        mov     %rsp, %rbp
        and     $-16, %rsp
        call    epoch_slot
        leave
        mov     %rax, %rdx
        jmp     0b

# void epoch_wait(void): this thread has entered, and found a publication pending: leaves again, waits, enters
        .p2align 4
epoch_wait:
        push    %rbx
        mov     tls_base(%rip), %rbx
        mov     %fs:EPOCH(%rbx), %rbx
1:      movq    $0, STATE(%rbx)
        call    tell_left
        mov     pending(%rip), %edx
        test    %edx, %edx
        jz      2f
        mov     $SYS_FUTEX, %eax
        lea     pending(%rip), %rdi
        mov     $WAIT_PRIVATE, %esi
        xor     %r10d, %r10d
        syscall
2:      mov     generation(%rip), %rax
        lea     1(,%rax,4), %rax
        mov     %rax, STATE(%rbx)
        cmpl    $0, pending(%rip)
        jne     1b
        pop     %rbx
        ret

# void epoch_leave(void)
        .p2align 4
epoch_leave:
        mov     tls_base(%rip), %rdx
        mov     %fs:EPOCH(%rdx), %rdx
        decq    DEPTH(%rdx)
        jnz     1f
        movq    $0, STATE(%rdx)
        cmpl    $0, pending(%rip)
        jne     tell_left
1:      ret

# void tell_left(void): wakes the publisher
        .p2align 4
tell_left:
        lock incl left(%rip)
        mov     $SYS_FUTEX, %eax
        lea     left(%rip), %rdi
        mov     $WAKE_PRIVATE, %esi
        mov     $0x7fffffff, %edx
        syscall
        ret

# long epochs(long words[]): the threads that are in an epoch. words[0] holds how many pairs {state, thread id}, written
# from words[1] on, there is room for; returns how many there are.
        .p2align 4
epochs:
        push    %rbx
        push    %r12
        push    %r13
        mov     %rdi, %rbx
        mov     (%rdi), %r12
        xor     %r13d, %r13d
        call    lock
        mov     slots(%rip), %rax
1:      test    %rax, %rax
        jz      3f
        mov     STATE(%rax), %rcx
        test    %rcx, %rcx
        jz      2f
        inc     %r13
        dec     %r12
        js      2f
        mov     %rcx, 8(%rbx)
        mov     THREAD(%rax), %ecx
        mov     %rcx, 16(%rbx)
        add     $16, %rbx
2:      mov     SLOT_NEXT(%rax), %rax
        jmp     1b
3:      call    unlock
        mov     %r13, %rax
        pop     %r13
        pop     %r12
        pop     %rbx
        ret

# Entries without code come here, with the entry's number on top of the stack and the caller's return address below it. Goes
# on where resolve(number) says. Keeps every register, whatever convention the caller follows (the static chain r10, the count
# of vector arguments al, r11 to r15 of preserve_none), errno and the state of the floating-point units; these have their
# default settings while resolve runs.
        .p2align 4
resolve_call:
        push    %rbp
.Lpushed:
        mov     %rsp, %rbp
.Lframe:
        push    %rbx
        push    %r12
.Lsaved:
        push    %rdi
        push    %rsi
        push    %rdx
        push    %rcx
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %rax
        push    $0x1f80                             # MXCSR: all exceptions masked, round to nearest
        mov     xsave_size(%rip), %rcx
        test    %rcx, %rcx
        jz      1f
        sub     %rcx, %rsp
        and     $-64, %rsp
        xor     %eax, %eax                          # the header, which xsave does not write in full
        mov     %rax, 512(%rsp)
        mov     %rax, 520(%rsp)
        mov     %rax, 528(%rsp)
        mov     %rax, 536(%rsp)
        mov     %rax, 544(%rsp)
        mov     %rax, 552(%rsp)
        mov     %rax, 560(%rsp)
        mov     %rax, 568(%rsp)
        mov     $0xfff9ffff, %eax                   # everything but the AMX tiles
        mov     $0xffffffff, %edx
        xsave64 (%rsp)
        jmp     2f
1:      sub     $512, %rsp
        and     $-64, %rsp
        fxsave64 (%rsp)
2:      fninit
        ldmxcsr -96(%rbp)
        call    *errno_location(%rip)
        mov     %rax, %r12
        mov     (%rax), %ebx
        mov     8(%rbp), %edi
        call    *resolve(%rip)
        mov     %rax, 8(%rbp)                       # where the number was
        mov     %ebx, (%r12)
        cmpq    $0, xsave_size(%rip)
        je      3f
        mov     $0xfff9ffff, %eax
        mov     $0xffffffff, %edx
        xrstor64 (%rsp)
        jmp     4f
3:      fxrstor64 (%rsp)
4:      lea     -88(%rbp), %rsp
        pop     %rax
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rcx
        pop     %rdx
        pop     %rsi
        pop     %rdi
        pop     %r12
        pop     %rbx
        pop     %rbp
.Lpopped:
        lea     8(%rsp), %rsp                       # like a return, which a shadow stack would not allow; keeps the flags
.Lreturned:
        notrack jmp *-8(%rsp)
.Lresolve_end:

# How to unwind through resolve_call (LSB, "Exception Frames"): a header with its search table, and the records.
        .p2align 4
unwind_header:
        .byte   1, 0x1b, 0x03, 0x3b                 # version; pcrel sdata4, udata4, datarel sdata4
        .long   unwind_table - .
        .long   1
        .long   resolve_call - unwind_header, unwind_record - unwind_header
        .p2align 4, 0
unwind_table:
        .long   2f - 1f
1:      .long   0                                   # a CIE
        .byte   1
        .asciz  "zR"
        .uleb128 1                                  # unit of code
        .sleb128 -8                                 # unit of data
        .byte   16, 1, 0x1b                         # return address; pcrel sdata4
        .byte   0x0c, 7, 8                          # DW_CFA_def_cfa rsp + 8
        .byte   0x80 + 16, 1                        # DW_CFA_offset: return address
        .p2align 3, 0
2:
unwind_record:
        .long   4f - 3f
3:      .long   . - unwind_table
        .long   resolve_call - ., .Lresolve_end - resolve_call
        .byte   0
        .byte   0x0e, 16                            # DW_CFA_def_cfa_offset: the number
        .byte   0x40 + (.Lpushed - resolve_call)
        .byte   0x0e, 24, 0x80 + 6, 3               # DW_CFA_def_cfa_offset; rbp
        .byte   0x40 + (.Lframe - .Lpushed)
        .byte   0x0d, 6                             # DW_CFA_def_cfa_register rbp
        .byte   0x40 + (.Lsaved - .Lframe)
        .byte   0x80 + 3, 4, 0x80 + 12, 5           # rbx, r12
        .byte   0x03                                # DW_CFA_advance_loc2
        .word   .Lpopped - .Lsaved
        .byte   0x0c, 7, 16, 0xc0 + 3, 0xc0 + 6, 0xc0 + 12 # DW_CFA_def_cfa rsp + 16; DW_CFA_restore
        .byte   0x40 + (.Lreturned - .Lpopped)
        .byte   0x0e, 8                             # DW_CFA_def_cfa_offset
        .p2align 3, 0
4:      .long   0
        .p2align 4, 0
