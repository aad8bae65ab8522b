/* All labs that were linked in, in the order of their ids; see lab.h. */
#include "exam/lab.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/text.h"

enum { MOST_LABS = 100 };

static const struct lab *registered[MOST_LABS];
static size_t count;

void lab_register(const struct lab *lab)
{
	size_t at = count;

	if (count == MOST_LABS)
		die("more than %d labs", MOST_LABS);
	for (; at > 0 && strcmp(registered[at - 1]->id, lab->id) > 0; at--)
		registered[at] = registered[at - 1];
	registered[at] = lab;
	count++;
}

size_t lab_count(void)
{
	return count;
}

const struct lab *lab_at(size_t index)
{
	return registered[index];
}

/* "07" and "7" are 07-message-queue, and so is "message-queue". */
const struct lab *lab_find(const char *word)
{
	char *end;
	long number = strtol(word, &end, 10);
	bool is_number = isdigit((unsigned char)*word) && !*end;

	for (size_t i = 0; i < count; i++) {
		const char *dash = strchr(registered[i]->id, '-');

		if (text_equal(registered[i]->id, word) || (dash && text_equal(dash + 1, word)))
			return registered[i];
		if (is_number && strtol(registered[i]->id, NULL, 10) == number)
			return registered[i];
	}
	return NULL;
}

size_t lab_check_count(const struct lab *lab)
{
	size_t checks = 0;

	while (checks < LAB_MAX_CHECKS && lab->checks[checks].id)
		checks++;
	return checks;
}

size_t lab_program_count(const struct lab *lab)
{
	size_t programs = 0;

	while (programs < LAB_MAX_PROGRAMS && lab->programs[programs].name)
		programs++;
	return programs;
}

int lab_points(const struct lab *lab)
{
	int points = 0;

	for (size_t i = 0; i < lab_check_count(lab); i++)
		points += lab->checks[i].points;
	return points;
}

const struct check *lab_check(const struct lab *lab, const char *id)
{
	for (size_t i = 0; i < lab_check_count(lab); i++)
		if (text_equal(lab->checks[i].id, id))
			return &lab->checks[i];
	return NULL;
}

const char *lab_source(const struct lab_program *program, char *room, size_t size)
{
	if (program->source)
		return program->source;
	snprintf(room, size, "%s.c", program->name);
	return room;
}
