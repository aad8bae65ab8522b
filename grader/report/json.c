/* json.c: the contract for scripts (schema 1). Keys are only ever added. */
#include "report/json.h"

#include "base/arena.h"
#include "base/die.h"
#include "report/layout.h"
#include "report/report.h"

#include <math.h>

enum { SCHEMA = 1, ARENA = 64 << 20 };

void json_put(json_t *object, const char *key, json_t *value)
{
	/* Values are made from printable() text and numbers: only lack of memory gets here. */
	if (!value || json_object_set_new(object, key, value) < 0)
		die("out of memory for the report");
}

void json_put_text(json_t *object, struct arena *arena, const char *key, const char *text)
{
	json_put(object, key, json_string(printable(arena, text, false)));
}

void json_append(json_t *array, json_t *value)
{
	if (!value || json_array_append_new(array, value) < 0)
		die("out of memory for the report");
}

void json_print(json_t *document, FILE *out)
{
	char *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

	if (!text)
		die("out of memory for the report");
	fprintf(out, "%s\n", text);
	free(text);
	json_decref(document);
}

json_t *json_seconds(double seconds)
{
	return json_real(round(seconds * 1e6) / 1e6);
}

static json_t *check_object(const struct check_result *c, struct arena *arena)
{
	struct evidence_row rows[EVIDENCE_ROWS];
	int count = evidence_rows(&c->evidence, rows);
	json_t *object = json_object();

	json_put_text(object, arena, "id", c->id);
	json_put_text(object, arena, "title", c->title);
	json_put(object, "task", json_integer(c->task));
	json_put_text(object, arena, "status", verdict_name(c->verdict));
	json_put(object, "score", json_integer(c->score));
	json_put(object, "max", json_integer(c->max));
	for (int i = 0; i < count; i++)
		json_put_text(object, arena, rows[i].label, rows[i].text);
	if (c->more > 0)
		json_put(object, "more", json_integer(c->more));
	json_put(object, "hints", json_integer(c->hints));
	return object;
}

static json_t *lab_object(const struct lab_result *lab, struct arena *arena)
{
	json_t *object = json_object(), *checks = json_array();

	json_put_text(object, arena, "id", lab->id);
	json_put_text(object, arena, "title", lab->title);
	json_put_text(object, arena, "status", lab_status_name(lab->status));
	json_put(object, "score", json_integer(lab->score));
	json_put(object, "max", json_integer(lab->max));
	json_put(object, "seconds", json_seconds(lab->seconds));
	json_put(object, "compile_seconds", json_seconds(lab->compile_seconds));
	if (lab->diagnostics && *lab->diagnostics)
		json_put_text(object, arena, "diagnostics", lab->diagnostics);
	json_put(object, "checks", checks);
	for (size_t i = 0; i < lab->count; i++)
		json_append(checks, check_object(&lab->check[i], arena));
	return object;
}

void report_json(const struct record *record, const struct style *style, FILE *out)
{
	struct arena *arena = arena_new(ARENA, false);
	json_t *document = json_object(), *host = json_object(), *labs = json_array();

	(void)style;
	json_put(document, "schema", json_integer(SCHEMA));
	json_put_text(document, arena, "maplab", report_version());
	json_put(document, "host", host);
	json_put_text(host, arena, "kernel", record->host.kernel);
	json_put_text(host, arena, "arch", record->host.arch);
	json_put_text(host, arena, "isolation", record->host.isolation);
	json_put(document, "seed", json_integer((json_int_t)record->seed));
	json_put(document, "labs", labs);
	for (size_t i = 0; i < record->count; i++)
		json_append(labs, lab_object(&record->lab[i], arena));
	json_print(document, out);
	arena_free(arena);
}
