/* Prints what terminals obey, no UTF-8, and NULs, on both outputs. */
#include <unistd.h>

int main(void)
{
	static const char text[] = "size \033[2J\033]0;owned\007\x9b"
				   "31m\xff\xfe\xc0\x80 \0 nul \r\b\n";

	(void)!write(1, text, sizeof text - 1);
	(void)!write(2, text, sizeof text - 1);
	return 0;
}
