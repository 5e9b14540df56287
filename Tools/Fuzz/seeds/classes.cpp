// Virtual tables, templates (COMDAT groups), exceptions, initializers.
struct Shape { virtual ~Shape() {} virtual int area() const = 0; int id = next(); static int next(); };
struct Square : Shape { int side; explicit Square(int s) : side(s) {} int area() const override; };
template <typename T> struct Box { static T value; static inline int count = 0; T get() { ++count; return value; } };
template <typename T> T Box<T>::value = T(3);
int Square::area() const { if (side < 0) throw side; return side * side; }
struct Guard { ~Guard(); };
extern Square &make(int);
int shapes(int n)
{
    try { Guard guard; return make(n).area() + Box<int>().get() + Box<long>().get(); }
    catch (int error) { return error; }
}
static Square global(Box<int>::count);
inline int counter() { static Square once(4); return once.area(); }
int uses() { return counter() + global.area(); }
