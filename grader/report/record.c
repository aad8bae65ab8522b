/* record.c: what makes single results a record. */
#include "base/die.h"
#include "report/report.h"
#include "stage/host.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum { SEED_MOST = 999999999 };

uint64_t fresh_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		die("no random numbers: %s", strerror(errno));
	return seed % SEED_MOST + 1;
}

struct record record_of(struct lab_result *labs, size_t count, uint64_t seed)
{
	return (struct record){
		.seed = seed,
		.host = { host_kernel(), host_arch(), host_isolation() },
		.lab = labs,
		.count = count,
	};
}

void record_points(const struct record *record, int *score, int *max)
{
	*score = *max = 0;
	for (size_t i = 0; i < record->count; i++) {
		*score += record->lab[i].score;
		*max += record->lab[i].max;
	}
}
