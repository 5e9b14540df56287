/* Data that points to code and data of every kind of symbol. */
extern int missing, weak_missing __attribute__((weak));
extern int elsewhere(int);
static int local[4] = {1, 2, 3, 4};
int common_word;
long common_block[9] __attribute__((aligned(64)));
const char *const names[] = {"one", "two", "three"};
int *pointers[] = {&local[2], &missing, &common_word, &weak_missing};
__attribute__((visibility("hidden"))) int hidden = 5;
__attribute__((weak)) int weak_data = 6;
static int twice(int x) { return 2 * x + local[x & 3]; }
int (*const functions[])(int) = {twice, elsewhere};
__attribute__((section("extra"), used)) static int *in_extra = &hidden;
extern int *__start_extra, *__stop_extra;
int data_sum(int x)
{
    int sum = common_word + hidden + weak_data + (int)common_block[1] + missing;
    for (int **at = &__start_extra; at < &__stop_extra; at++) sum += **at;
    if (&weak_missing) sum += weak_missing;
    return sum + functions[x & 1](x) + *names[x % 3] + *pointers[x & 1];
}
static void first(void) { common_word = 1; }
__attribute__((constructor(200))) static void begin(void) { first(); }
__attribute__((destructor)) static void end(void) { common_word = elsewhere(2); }
