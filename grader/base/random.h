/*
 * random.h: numbers that follow from a seed: the same on every machine, so that a grading can be
 * repeated with --seed. Not for secrets.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* Starts the sequence that belongs to SEED. */
void random_seed(struct random *r, uint64_t seed);

/*
 * Starts the sequence that belongs to SEED and a label, such as the id of a lab: one seed gives
 * independent sequences, so that a new check does not shift the numbers of the others.
 */
void random_seed_text(struct random *r, uint64_t seed, const char *text);

/* The next 64 bits. */
uint64_t random_next(struct random *r);

/* A number in 0 … n-1, each as likely as the others; n must not be 0 (dies). */
uint64_t random_below(struct random *r, uint64_t n);

/* A number in low … high, both included; low must not be above high (dies). */
int64_t random_between(struct random *r, int64_t low, int64_t high);

/* Fills SIZE bytes. */
void random_bytes(struct random *r, void *data, size_t size);

/* Writes LENGTH letters a-z and a NUL into BUF, which has room for LENGTH + 1; returns BUF. */
char *random_word(struct random *r, char *buf, size_t length);

#endif
