// Throws and catches; the deeper the stack, the more unwind entries are looked up.
__attribute__((noinline)) static int deeper(int depth) {
  if (depth == 0)
    throw 42;
  return deeper(depth - 1) + 1;
}

extern "C" int throw_and_catch(int depth) {
  try {
    return deeper(depth);
  } catch (int value) {
    return value;
  }
}
