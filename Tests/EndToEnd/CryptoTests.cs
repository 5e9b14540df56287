using System.Runtime.InteropServices;
using System.Text;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>OpenSSL's libcrypto from its static archive, on the vectors of the standards.</summary>
[Category("EndToEnd")]
public sealed class CryptoTests
{
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Digest(byte[] data, nuint length, [Out] byte[] digest);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int SetKey(byte[] key, int bits, [Out] byte[] schedule);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Block(byte[] input, [Out] byte[] output, byte[] schedule);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Make();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Begin(nint context, nint cipher, nint engine, byte[] key, byte[]? vector);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Update(nint context, [Out] byte[] output, out int written, byte[] input, int length);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Free(nint context);

    /// <summary>FIPS 180-4 examples.</summary>
    [TestCase("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [TestCase("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [TestCase(
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")]
    public void Sha256(string text, string expected)
    {
        using ObjectLibrary library = Load();
        byte[] data = Encoding.ASCII.GetBytes(text);
        byte[] digest = new byte[32];

        library.GetFunction<Digest>("SHA256")(data, (nuint)data.Length, digest);

        Assert.That(Convert.ToHexStringLower(digest), Is.EqualTo(expected));
    }

    /// <summary>FIPS 197, appendix C.</summary>
    [TestCase("000102030405060708090a0b0c0d0e0f", "69c4e0d86a7b0430d8cdb78070b4c55a")]
    [TestCase("000102030405060708090a0b0c0d0e0f1011121314151617", "dda97ca4864cdfe06eaf70a0ec0d7191")]
    [TestCase("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "8ea2b7ca516745bfeafc49904b496089")]
    public void AesBlock(string key, string expected)
    {
        using ObjectLibrary library = Load();
        byte[] schedule = new byte[256]; // AES_KEY: 60 words and the number of rounds
        byte[] output = new byte[16];

        int status = library.GetFunction<SetKey>("AES_set_encrypt_key")(
            Convert.FromHexString(key), key.Length * 4, schedule);
        library.GetFunction<Block>("AES_encrypt")(
            Convert.FromHexString("00112233445566778899aabbccddeeff"), output, schedule);

        Assert.That((status, Convert.ToHexStringLower(output)), Is.EqualTo((0, expected)));
    }

    /// <summary>The same vector through the providers, which choose AES-NI where the processor has it.</summary>
    [Test]
    public void AesThroughTheEnvelopeInterface()
    {
        using ObjectLibrary library = Load();
        nint context = library.GetFunction<Make>("EVP_CIPHER_CTX_new")();
        nint cipher = library.GetFunction<Make>("EVP_aes_128_ecb")();
        byte[] output = new byte[64];

        int begun = library.GetFunction<Begin>("EVP_EncryptInit_ex")(
            context, cipher, 0, Convert.FromHexString("000102030405060708090a0b0c0d0e0f"), null);
        int updated = library.GetFunction<Update>("EVP_EncryptUpdate")(
            context, output, out int written, Convert.FromHexString("00112233445566778899aabbccddeeff"), 16);
        library.GetFunction<Free>("EVP_CIPHER_CTX_free")(context);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((begun, updated, written), Is.EqualTo((1, 1, 16)));
            Assert.That(
                Convert.ToHexStringLower(output.AsSpan(0, 16)), Is.EqualTo("69c4e0d86a7b0430d8cdb78070b4c55a"));
        }
    }

    private static ObjectLibrary Load()
    {
        var library = new ObjectLibrary("crypto");
        library.AddArchive(StaticArchive.Find("libcrypto.a"));
        return library;
    }
}
