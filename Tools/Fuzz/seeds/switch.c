/* Jump tables, strings, calls of functions that are not here. */
extern int printf(const char *, ...), puts(const char *);
extern void *memcpy(void *, const void *, unsigned long);
const char *switch_name(int x)
{
    switch (x) {
    case 0: puts("zero"); return "zero";
    case 1: printf("%d\n", x); return "one";
    case 2: return "two";
    case 3: puts("three and more"); return "three";
    case 4: return "four";
    case 5: printf("five"); return "five";
    case 6: return "six";
    default: return "many";
    }
}
int switch_sum(char *to, const char *from, int n)
{
    static int calls;
    memcpy(to, from, n);
    return ++calls + (n > 3 ? switch_sum(to + 1, from, n - 1) : 0);
}
