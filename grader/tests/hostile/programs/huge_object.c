/* An initialised array of a terabyte. */
char huge[1L << 40] = { 1 };

int main(void)
{
	return huge[12345];
}
