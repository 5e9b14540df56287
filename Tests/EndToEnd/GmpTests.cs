using System.Numerics;
using System.Runtime.InteropServices;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>GMP from its static archive: mostly hand-written assembly.</summary>
[Category("EndToEnd")]
public sealed class GmpTests
{
    private const int NumberSize = 16; // mpz_t: two ints and a pointer

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int SetText(byte[] number, [MarshalAs(UnmanagedType.LPUTF8Str)] string digits, int radix);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Initialise(byte[] number);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Binary(byte[] result, byte[] left, byte[] right);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint GetText([Out] byte[] text, int radix, byte[] number);

    [TestCase("__gmpz_mul")]
    [TestCase("__gmpz_tdiv_q")]
    [TestCase("__gmpz_gcd")]
    public void AgreesWithBigIntegerOnTenThousandDigits(string function)
    {
        string left = Digits(10_000, seed: 1);
        string right = Digits(function is "__gmpz_tdiv_q" ? 3_000 : 10_000, seed: 2);
        BigInteger a = BigInteger.Parse(left);
        BigInteger b = BigInteger.Parse(right);
        BigInteger expected = function switch
        {
            "__gmpz_mul" => a * b,
            "__gmpz_tdiv_q" => a / b,
            _ => BigInteger.GreatestCommonDivisor(a, b),
        };
        using var library = new ObjectLibrary("gmp");
        library.AddArchive(StaticArchive.Find("libgmp.a"));
        byte[][] numbers = [new byte[NumberSize], new byte[NumberSize], new byte[NumberSize]];
        byte[] text = new byte[30_000];

        Assert.That(library.GetFunction<SetText>("__gmpz_init_set_str")(numbers[0], left, 10), Is.Zero);
        Assert.That(library.GetFunction<SetText>("__gmpz_init_set_str")(numbers[1], right, 10), Is.Zero);
        library.GetFunction<Initialise>("__gmpz_init")(numbers[2]);
        library.GetFunction<Binary>(function)(numbers[2], numbers[0], numbers[1]);
        library.GetFunction<GetText>("__gmpz_get_str")(text, 10, numbers[2]);

        string result = System.Text.Encoding.ASCII.GetString(text).TrimEnd('\0');
        Assert.That(result, Is.EqualTo(expected.ToString()));
    }

    private static string Digits(int count, int seed)
    {
        var random = new Random(seed);
        return string.Create(count, random, static (digits, random) =>
        {
            for (int i = 0; i < digits.Length; i++)
            {
                digits[i] = (char)('1' + random.Next(9));
            }
        });
    }
}
