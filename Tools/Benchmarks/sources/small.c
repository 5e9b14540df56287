// Compiles to an object of about 2 kB: what a compiler that runs at the same time hands over at once.
static const int primes[] = {2, 3, 5, 7, 11, 13, 17, 19};
static int total;
const int *const table[] = {&primes[0], &primes[3], &primes[5]};

int add(int value) { return total += value; }

int sum_primes(int count) {
  int sum = 0;
  for (int i = 0; i < count && i < 8; i++)
    sum += add(primes[i]);
  return sum;
}

int small(int value) { return sum_primes(value) + *table[value % 3]; }
