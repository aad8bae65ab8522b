/* unit.h: the suites of the unit tests, one a file; unit.c runs them in the order of its table. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>

Suite *base_suite(void);
Suite *file_suite(void);
Suite *maps_suite(void);
Suite *procfs_suite(void);
Suite *report_suite(void);
Suite *store_suite(void);
Suite *watcher_suite(void);

#endif
