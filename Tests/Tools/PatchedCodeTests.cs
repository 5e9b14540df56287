using ElfLoader.Elf;
using ElfLoader.Inspection;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Tools;

/// <summary>Records and instructions of damaged objects: they are there, or a <see cref="LinkException"/> says why not.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PatchedCodeTests
{
    private const int Rounds = 250;

    [TestCase("gotpcrelx")]
    [TestCase("tlsforms")]
    [TestCase("throws")]
    [TestCase("comdat")]
    public void DamagedObjectsAreExplainedOrRefused(string fixture)
    {
        byte[] whole = File.ReadAllBytes(Fixtures.Object(fixture));
        Check(fixture, whole, damage: ElfObject.Read(whole, fixture));
    }

    [TestCase("-triple=armv7-linux-gnueabihf")]
    public void DamagedArmObjectsAreExplainedOrRefused(string target)
    {
        ElfObject elf = Assembler.Object(target["-triple=".Length..], """
            .syntax unified
            .globl f
            .type f,%function
            f: bl outside
            blx outside
            ldr r0, =outside
            movw r1, #:lower16:v
            movt r1, #:upper16:v
            ldr r2, [pc, #4]
            .word v(GOT_PREL)
            .word t(TLSGD)
            .thumb
            .type g,%function
            g: bl outside
            b.w f
            beq.w g
            .data
            v: .word f, g, outside - .
            .section .tdata,"awT",%progbits
            t: .word 1
            """, "a.o");
        Check("arm", elf.Bytes.ToArray(), elf);
    }

    /// <summary>Relocations and symbols are what is damaged: the rest would only be refused by the reader.</summary>
    private static void Check(string name, byte[] whole, ElfObject damage)
    {
        (int Start, int Size)[] targets =
        [
            .. from section in damage.Sections.ToArray()
               where section.Type is ElfConstants.SHT_REL or ElfConstants.SHT_RELA or ElfConstants.SHT_SYMTAB
               select ((int)section.Offset, (int)section.Size),
        ];
        var random = new Random(1);
        int explained = 0;
        for (int i = 0; i < Rounds; i++)
        {
            byte[] damaged = [.. whole];
            for (int j = 0; j < 1 + (i % 4); j++)
            {
                (int start, int size) = targets[random.Next(targets.Length)];
                damaged[start + random.Next(size)] = (byte)random.Next(256);
            }

            try
            {
                var options = new ImageOptions { RecordPatches = true, AllowUndefined = true };
                LinkedImage image = new ImageLinker(options).Link([ElfObject.Read(damaged, name)]);
                var code = new PatchedCode(image, new ImageNames(image));
                foreach (PatchRecord patch in image.Patches)
                {
                    byte[] bytes = new byte[patch.After.Length];
                    Assert.That(image.TryRead(patch.Address - patch.Offset + patch.BytesOffset, bytes), Is.True);
                    Assert.That(bytes, Is.EqualTo(patch.After.ToArray()), patch.ToString());
                    _ = (code.Of(patch), patch.Computation, patch.Margin);
                }

                explained++;
            }
            catch (LinkException)
            {
                // Refused.
            }
        }

        Assert.That(explained, Is.InRange(Rounds / 20, Rounds - 1));
    }
}
