/* A function that a resolver picks. */
static int one(int x) { return x + 1; }
static int two(int x) { return x + 2; }
extern int choice;
static int (*resolve(void))(int) { return choice ? one : two; }
int chosen(int) __attribute__((ifunc("resolve")));
int (*chosen_pointer)(int) = chosen;
int words_of(int x) { return chosen(x) + chosen_pointer(x); }
