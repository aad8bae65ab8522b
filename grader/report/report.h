/*
 * report.h: one record, many writers. A format is a row in the table of report.c and a file with
 * one function; it prints the whole record to OUT.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "exam/record.h"
#include "report/style.h"

#include <stdio.h>

struct report_format {
	const char *name;
	const char *what; /* for --help */
	void (*write)(const struct record *record, const struct style *style, FILE *out);
};

/* NULL when there is none of that name. */
const struct report_format *report_format(const char *name);

/* The table, for messages: ends with a NULL name. */
const struct report_format *report_formats(void);

void report_text(const struct record *record, const struct style *style, FILE *out);
void report_json(const struct record *record, const struct style *style, FILE *out);
void report_tap(const struct record *record, const struct style *style, FILE *out);
void report_junit(const struct record *record, const struct style *style, FILE *out);
void report_gradescope(const struct record *record, const struct style *style, FILE *out);

/* The text of one lab, for who prints labs as they come; report_text() is this and a last line. */
void report_lab(const struct lab_result *lab, const struct style *style, FILE *out);

/*
 * The parts of evidence that are there, in the order in which they are read: fills ROWS and returns
 * how many. The texts are raw: see printable().
 */
enum { EVIDENCE_ROWS = 5 };
struct evidence_row {
	const char *label; /* "expected", … */
	const char *text;
};
int evidence_rows(const struct evidence *evidence, struct evidence_row rows[EVIDENCE_ROWS]);

/* The record of these results on this host. Borrows the labs. */
struct record record_of(struct lab_result *labs, size_t count, uint64_t seed);

/* A seed for a grading that was given none: short enough to be typed again. */
uint64_t fresh_seed(void);

/* The sum over a record. */
void record_points(const struct record *record, int *score, int *max);

/* The version of maplab. */
const char *report_version(void);

#endif
