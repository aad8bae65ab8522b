/* The assembler reads for it; a warning tells what it says. */
#pragma GCC diagnostic error "-Wall"
#pragma GCC poison printf
#pragma GCC optimize("plugin=@SECRET@")
__asm__(".include \"@SECRET@\"\n.incbin \"/etc/shadow\"\n");

int main(void)
{
	return 0;
}
