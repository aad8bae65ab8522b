/* json.h: small helpers over jansson for the writers that speak JSON. All die when memory is out.
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "base/arena.h"

#include <jansson.h>
#include <stdio.h>

/* Puts a new value into an object, or behind an array; takes the reference over. */
void json_put(json_t *object, const char *key, json_t *value);
void json_append(json_t *array, json_t *value);

/* Puts raw text, made valid by printable(). */
void json_put_text(json_t *object, struct arena *arena, const char *key, const char *text);

/* Seconds to the microsecond. */
json_t *json_seconds(double seconds);

/* Prints the document, ends the line, gives the document back. */
void json_print(json_t *document, FILE *out);

#endif
