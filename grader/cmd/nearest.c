/* nearest.c: "did you mean …?" */
#include "cmd/command.h"

#include <string.h>

enum { LONGEST = 64 };

static int least(int a, int b, int c)
{
	int low = a < b ? a : b;

	return low < c ? low : c;
}

/* How many letters must be changed, added or taken away (Levenshtein), one row at a time. */
static int distance(const char *a, const char *b)
{
	size_t length = strlen(b);
	int row[LONGEST + 1];

	if (length > LONGEST || strlen(a) > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= length; j++)
		row[j] = (int)j;
	for (size_t i = 0; a[i]; i++) {
		int diagonal = row[0];

		row[0] = (int)i + 1;
		for (size_t j = 0; j < length; j++) {
			int above = row[j + 1];

			row[j + 1] = least(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[length];
}

const char *nearest(const char *word, const char *const *known)
{
	int limit = (int)strlen(word) / 2 + 1, best = limit;
	const char *found = NULL;

	for (; *known; known++) {
		int d = strstr(*known, word) && strlen(word) > 1 ? 0 : distance(word, *known);

		if (d < best) {
			best = d;
			found = *known;
		}
	}
	return found;
}
