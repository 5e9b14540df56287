/* Thread-local variables: defined, local, hidden, of others. */
extern _Thread_local int tls_missing;
_Thread_local int tls_word = 3;
static _Thread_local long tls_local[5] = {1, 2};
static _Thread_local char tls_zeros[40] __attribute__((aligned(32)));
__attribute__((visibility("hidden"))) _Thread_local int tls_hidden = 9;
int *tls_next(int x) { tls_word += x; return &tls_word; }
long tls_sum(int x) { return tls_local[x] + tls_zeros[x] + tls_hidden + tls_missing; }
