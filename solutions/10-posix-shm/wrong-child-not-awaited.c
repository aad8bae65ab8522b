// expect: FAIL ready-comes-last
/* Two processes share the work, and the parent does not wait for the other half. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
typedef long long L;
static char n[300];
int main(int c, char **v)
{
	int p = c > 1 && !strcmp(v[1], "produce"), q = c > 1 && !strcmp(v[1], "consume"), f, e,
	    t = 0;
	if (c != 3 + p || p + q != 1 || (p && (!*v[3] || v[3][strspn(v[3], "0123456789")])))
		return fprintf(stderr, "usage: squares produce NAME COUNT | consume NAME\n"), 2;
	const char *b = v[2] + (*v[2] == '/');
	if (!*b || strchr(b, '/') || strlen(b) > 255)
		errx(1, "name: %s", "no good");
	snprintf(n, sizeof n, "/%s", b);
	if (p) {
		errno = 0;
		L k = strtoll(v[3], 0, 10);
		if (errno || k > 1LL << 59)
			errx(1, "count: too big");
		if ((f = shm_open(n, O_RDWR | O_CREAT | O_EXCL, 0600)) < 0)
			err(1, "%s", n);
		L z = 8 * k + 8, *a = MAP_FAILED;
		if ((e = posix_fallocate(f, 0, z)) ||
		    (a = mmap(0, z, 3, MAP_SHARED, f, 0)) == MAP_FAILED) {
			e = e ? e : errno;
			shm_unlink(n);
			errno = e;
			err(1, "%s", n);
		}
		int h = fork();
		for (L i = h ? 0 : k / 2; i < (h ? k / 2 : k); i++)
			a[i] = i * i;
		if (!h)
			_exit(0);
		__atomic_store_n(a + k, 1, __ATOMIC_RELEASE);
		return close(f), wait(0) < 0;
	}
	struct stat s;
	L *a = 0;
	for (f = -1;; usleep(50000)) {
		if (f < 0 && (f = shm_open(n, O_RDONLY, 0)) < 0 && errno != ENOENT)
			err(1, "%s", n);
		if (f >= 0 && !fstat(f, &s) && s.st_size >= 8) {
			if (!a &&
			    (a = mmap(0, s.st_size, PROT_READ, MAP_SHARED, f, 0)) == MAP_FAILED)
				err(1, "mmap");
			if (__atomic_load_n(a + s.st_size / 8 - 1, __ATOMIC_ACQUIRE))
				break;
		}
		if (t++ == 105)
			errx(1, "%s: gave up", n);
	}
	close(f);
	for (L i = 0; i < s.st_size / 8 - 1; i++)
		printf("%lld\n", a[i]);
	if (fflush(stdout) | ferror(stdout))
		err(1, "stdout");
	if (shm_unlink(n))
		err(1, "%s", n);
}
