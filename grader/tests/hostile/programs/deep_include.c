/* Includes itself without end: the compiler must come to its own. */
#include __FILE__
int main(void)
{
	return 0;
}
