/* Two to the power of forty words. */
#define A(x) x x
#define B(x) A(A(A(A(x))))
#define C(x) B(B(B(B(x))))
#define D(x) C(C(x))
#define E(x) D(C(x))

int main(void)
{
	int i = 0;

	E(i++;)
	return i;
}
