using System.Collections.Immutable;

namespace ElfLoader.Runtime;

/// <summary>One function of the shim.</summary>
/// <param name="Name">Its name in <c>Shim.s</c>.</param>
/// <param name="Offset">Bytes from the start of the code.</param>
/// <param name="Code">Its instructions.</param>
internal sealed record ShimFunction(string Name, int Offset, byte[] Code);

/// <summary>
/// The machine code of the shim, function by function: the bytes of <c>Shim.s</c>, which is where it is explained. Each
/// function fills whole units of 16 bytes, so that they lie one after the other as the assembler puts them.
/// </summary>
internal static class ShimCode
{
    /// <summary>Names and bytes, in the order in which they lie.</summary>
    private static readonly (string Name, string Bytes)[] Rows =
    [
        ("thread_pointer",
            "64488b042500000000c3660f1f440000"),
        ("jit_debug_register_code",
            "90c366662e0f1f8400000000000f1f00"),
        ("tls_get_addr",
            "488b07488b15d60f000064488b52084885c0791e89c14885d2741d483b0a7318488b54ca184885d2740e488b47084801"
            + "d0c3ff25f0feffff480fbae03e721a554889e5574883e4f089cfe821000000488b7df848034708c9c348986448030425"
            + "0000000048034708c30f1f8000000000"),
        ("materialize",
            "554889e55341544155415689fb4c8b255c0f0000644c032425000000004d8b6c24084d85ed740a49395d000f87970000"
            + "004189de41d1ee4d8d741e10498d7e03be08000000ff1535feffff4885c00f84d70000004c89304989c6e8e10000004d"
            + "85ed7419498b4d00498d7518498d7e18f348a5498b4508498b5510eb0e488b05341f0000488d152d1f00004989460849"
            + "8956104c89324885c07408498d5608488950104d89742408e8a30000004c89ef4d89f5ff15bffdffff8b3d011f00004c"
            + "89eeff15e0fdffff4989de49c1e6054c0335eafdffff498b76104885f6744c498b7e184883ff10770b4889f7ff157efd"
            + "ffffeb06ff158efdffff4885c0742c4889c24889c7498b36498b4e08f3a4498b4e10492b4e0831c0f3aa498954dd1848"
            + "89d0415e415d415c5b5dc3ff155ffdffff66662e0f1f8400000000000f1f4000"),
        ("lock",
            "488d3d491e0000ff254bfdffff0f1f00"),
        ("unlock",
            "488d3d391e0000ff2543fdffff0f1f00"),
        ("thread_exit",
            "554889e5534154488b05020e0000644803042500000000488b58084885db744248c7400800000000e8b3ffffff488b43"
            + "08488b53104889024885c0740448895010e8aaffffff4c8b234a8b7ce310ff15c4fcffff49ffcc75f04889dfff15b6fc"
            + "ffff415c5b5dc3660f1f840000000000"),
        ("free_blocks",
            "554889e553415489fb4531e4e85fffffff488b05d01d00004885c074244839187619488b4cd8184885c9740f48c744d8"
            + "18000000004c89214989cc488b4008ebd7e83affffff4d85e4740f4c89e74d8b2424ff1550fcffffebec415c5b5dc390"),
        ("census",
            "534889fbe807ffffff488b05781d00004885c0741d48ff03488b0848837cc81001f5488353080048ffc975ef488b4008"
            + "ebdee8e9feffff5bc30f1f8000000000"),
        ("tlsdesc_static",
            "488b4008c366662e0f1f840000000000"),
        ("tlsdesc_undefined",
            "488b400864482b042500000000c36690"),
        ("tlsdesc_dynamic",
            "5756488b7808488b074885c0793289c0488b35c90c000064488b76084885f6741f483b06731a488b44c6184885c07410"
            + "4803470864482b0425000000005e5fc3554889e55152415041514152415353488b0de2fbffff4885c974714829cc4883"
            + "e4c031c04889842400020000488984240802000048898424100200004889842418020000488984242002000048898424"
            + "2802000048898424300200004889842438020000b8fffff9ffbaffffffff480fae2424e848fcffff4889c3b8fffff9ff"
            + "baffffffff480fae2c24eb1d4881ec000200004883e4c0480fae0424e81ffcffff4889c3480fae0c244889d864482b04"
            + "2500000000488d65c85b415b415a415941585a595d5e5fc30f1f840000000000"),
        ("add_thread_dtor",
            "554889e5534154415541564889fb4989f44989cdbf20000000ff15b1faffff4885c0745c488958084c8960104c896818"
            + "f049ff4500488b1d940b00006448031c2500000000488b4b104889084889431048837b1800751e48c743180100000048"
            + "8d3d2a00000031f6488d15a91b0000ff159bfaffff31c0415e415d415c5b5dc3ff156afaffff662e0f1f840000000000"),
        ("run_thread_dtors",
            "554889e5534154488b1d320b00006448031c25000000004c8b63104d85e47426498b042448894310498b7c241041ff54"
            + "2408498b442418f048ff084c89e7ff1504faffffebd148c7431800000000415c5b5dc366662e0f1f8400000000006690"),
        ("run_unit_thread_dtors",
            "554889e5534154415541564989fd488b1dcb0a00006448031c2500000000488d4b104c8b214d85e4742d4d396c241874"
            + "054c89e1ebec498b0424488901498b7c241041ff542408f049ff4d004c89e7ff1593f9ffffebc7415e415d415c5b5dc3"),
        ("run_backwards",
            "554889e55341544889fb4c8b274d85e4740942ff14e349ffccebf2415c5b5dc3"),
    ];

    /// <summary>The functions with their distance from the start of the code.</summary>
    public static ImmutableArray<ShimFunction> Functions { get; } = LayOut();

    private static ImmutableArray<ShimFunction> LayOut()
    {
        int offset = 0;
        var functions = ImmutableArray.CreateBuilder<ShimFunction>(Rows.Length);
        foreach ((string name, string bytes) in Rows)
        {
            functions.Add(new ShimFunction(name, offset, Convert.FromHexString(bytes)));
            offset += bytes.Length / 2;
        }

        return functions.MoveToImmutable();
    }
}
