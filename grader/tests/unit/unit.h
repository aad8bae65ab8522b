/*
 * unit.h: the unit tests. test_NAME.c defines `Suite *NAME_suite(void)`; the Makefile lists the
 * files that it finds in SUITES, so that a new one needs no other line anywhere.
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>

#define SUITE(name) Suite *name##_suite(void);
SUITES
#undef SUITE

#endif
