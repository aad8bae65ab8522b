/* output.h: where a report goes. */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include "cmd/command.h"

/*
 * Writes the record in the chosen format to standard output or to --out FILE. The file is there
 * whole or, when something fails, as it was before; then the process ends with exit status 3.
 */
void output_record(const struct options *options, const struct record *record);

/* Ends with exit status 2 when --out cannot be written: said before the work, not after it. */
void output_check(const struct options *options);

#endif
