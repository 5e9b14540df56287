@ Every relocation type of 32-bit Arm that assemblers or linkers know, in A32 and Thumb.
    .syntax unified
    .text
    .arm
    .globl f
    .type f, %function
f:  bl ext
    blx tf
    b ext
    bleq ext
    beq tf
    movw r0, #:lower16:v
    movt r0, #:upper16:v
    movw r1, #:lower16:(v - .)
    movt r1, #:upper16:(v - .)
    ldr r0, [pc, #-8]
    .reloc .-4, R_ARM_LDR_PC_G0, v
    add r0, pc, #0
    .reloc .-4, R_ARM_ALU_PC_G0_NC, v
    add r0, r0, #0
    .reloc .-4, R_ARM_ALU_PC_G1_NC, v
    ldr r0, [r0]
    .reloc .-4, R_ARM_LDR_PC_G2, v
    ldrd r0, r1, [pc]
    .reloc .-4, R_ARM_LDRS_PC_G0, v
    ldc p1, c2, [pc]
    .reloc .-4, R_ARM_LDC_PC_G0, v
    add r0, r9, #0
    .reloc .-4, R_ARM_ALU_SB_G0_NC, v
    ldr r0, [r1]
    .reloc .-4, R_ARM_LDR_SB_G0, v
    movw r0, #0
    .reloc .-4, R_ARM_MOVW_BREL_NC, v
    movt r0, #0
    .reloc .-4, R_ARM_MOVT_BREL, v
    ldr r0, [r1]
    .reloc .-4, R_ARM_ABS12, small
    ldr r0, [r1]
    .reloc .-4, R_ARM_TLS_LE12, t
    bx r3
    .reloc .-4, R_ARM_V4BX, f
    bl t(tlscall)
    .size f, . - f
    .thumb
    .globl tf
    .type tf, %function
    .thumb_func
tf: bl ext
    blx f
    b.w ext
    beq.w ext
    movw r0, #:lower16:v
    movt r0, #:upper16:v
    movw r1, #:lower16:(v - .)
    movt r1, #:upper16:(v - .)
    b.n tf
    .reloc .-2, R_ARM_THM_JUMP11, tf
    beq.n tf
    .reloc .-2, R_ARM_THM_JUMP8, tf
    ldr.w r0, [pc, #4]
    .reloc .-4, R_ARM_THM_PC12, tf
    adr.w r0, tf
    .reloc .-4, R_ARM_THM_ALU_PREL_11_0, tf
    ldr r0, [pc, #0]
    .reloc .-2, R_ARM_THM_PC8, tf
    movs r0, #0
    .reloc .-2, R_ARM_THM_ALU_ABS_G0_NC, v
    bx lr
    .size tf, . - tf
    .arm
g:
    .fnstart
    push {r4, lr}
    .save {r4, lr}
    bl f
    pop {r4, pc}
    .personality __aeabi_unwind_cpp_pr1
    .handlerdata
    .long v
    .fnend
    .data
    .globl v
    .type v, %object
v:  .word f, tf, v+8, ext, weak
    .word ext(got_prel), ext(got), v(gotoff), f(target1), ext(target2), f(prel31), v(sbrel)
    .word t(tlsgd), t(tlsldm), u(tlsldo), t(gottpoff), u(tpoff), t(tlsdesc)
    .short 0
    .reloc .-2, R_ARM_ABS16, small
    .byte 0, 0
    .reloc .-2, R_ARM_ABS8, small
    .word 0, 0, 0, 0, 0
    .reloc .-20, R_ARM_REL32, v
    .reloc .-16, R_ARM_BASE_PREL, _GLOBAL_OFFSET_TABLE_
    .reloc .-12, R_ARM_GOT_ABS, v
    .reloc .-8, R_ARM_PLT32_ABS, ext
    .reloc .-4, R_ARM_NONE, f
    .size v, 80
    .weak weak
    .set small, 0x12
    .section .tdata,"awT",%progbits
    .globl t
t:  .word 7
    .section .tbss,"awT",%nobits
u:  .zero 24
    .section .text.group,"axG",%progbits,signature,comdat
    .weak signature
    .type signature, %function
signature: bl f
    bx lr
    .section .data.group,"awG",%progbits,signature,comdat
    .word signature
    .section .init_array.7,"aw",%init_array
    .word f(target1)
    .section .ctors,"aw",%progbits
    .word f
    .comm block,100,32
    .section .note.GNU-stack,"",%progbits
