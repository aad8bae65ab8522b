/* A run told as a timeline; see show.h. */
#include "exam/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>
#include <wctype.h>

#include "base/clock.h"
#include "base/text.h"
#include "exam/call_text.h"
#include "exam/exam_inside.h"

enum { TIMELINE_MOST = 2000 };

/* Calls that have to do with memory and what is shared; read and write are there for comparison. */
static const unsigned shown_families = FAMILY_MAP | FAMILY_OPEN | FAMILY_CLOSE | FAMILY_SIZE |
				       FAMILY_NAME | FAMILY_SYNC | FAMILY_LOCK | FAMILY_SLEEP |
				       FAMILY_IPC | FAMILY_READ | FAMILY_WRITE | FAMILY_SIGNAL;

/* The loader's and libc's own business has no line of the submission. */
static bool is_shown(struct exam *x, const struct event *event)
{
	if (event->kind != EVENT_CALL)
		return true;
	if (event->call == CALL_rt_sigreturn || !(call_families(event->call) & shown_families))
		return false;
	return at_event(x, event);
}

struct row {
	const struct program *program;
	const struct event *event;
};

static int by_time(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	return left->event->time < right->event->time ? -1 : left->event->time > right->event->time;
}

static void print_row(struct exam *x, const struct row *row)
{
	const struct event *event = row->event;
	const char *at = at_event(x, event);
	const char *who = say(x, "%s[%d]", row->program->name, event->pid);

	printf("%9.3f s  %-14s %-20s %s", (double)event->virtual_time / NS_PER_S, who, at ? at : "",
	       event_text(x->arena, event));
	if (event->sleep_ns)
		printf("   (held, not slept)");
	printf("\n");
}

static void print_timeline(struct exam *x)
{
	struct row *rows = room(x, TIMELINE_MOST * sizeof(*rows));
	size_t count = 0;

	for (const struct program *p = x->session->programs; p; p = p->next)
		for (const struct event *event = p->events; event && count < TIMELINE_MOST;
		     event = event->next)
			if (is_shown(x, event))
				rows[count++] = (struct row){ p, event };
	qsort(rows, count, sizeof(*rows), by_time);
	printf("%11s  %-14s %-20s %s\n", "virtual", "program[pid]", "file:line", "call");
	for (size_t i = 0; i < count; i++)
		print_row(x, &rows[i]);
	if (count == TIMELINE_MOST)
		printf("… and more: only the first %d events are shown\n", TIMELINE_MOST);
}

/* Text of a student's program: nothing of it must command the terminal. */
static void print_harmless(const char *text, size_t size)
{
	mbstate_t state = { 0 };

	while (size > 0) {
		wchar_t c = 0;
		size_t length = mbrtowc(&c, text, size, &state);
		bool whole = length > 0 && length <= size;

		if (whole && (iswprint((wint_t)c) || c == '\n' || c == '\t')) {
			fwrite(text, 1, length, stdout);
		} else {
			printf("\\%03o", (unsigned char)*text);
			length = 1;
			memset(&state, 0, sizeof(state));
		}
		text += length;
		size -= length;
	}
}

static void show_text(const char *name, const char *text, size_t size)
{
	if (size == 0)
		return;
	printf("%s:\n", name);
	print_harmless(text, size);
	if (text[size - 1] != '\n')
		printf("\n");
}

static void print_outputs(struct exam *x)
{
	for (struct program *p = x->session->programs; p; p = p->next) {
		size_t size;
		const char *printed = output(x, p, &size), *said = error_output(x, p);

		printf("\n%s: %s\n", p->command, ending_text(x, p));
		show_text("stdout", printed, size);
		show_text("stderr", said, strlen(said));
	}
}

/* A mapped file may have any name. */
static void show_vma(const struct vma *vma)
{
	printf("  ");
	print_harmless(vma->line, strlen(vma->line));
	printf("  rss %llu kB\n", (unsigned long long)vma->memory.rss_kb);
}

void show_stop(struct exam *x)
{
	if (!x->show_maps)
		return;
	for (struct program *p = x->session->programs; p; p = p->next)
		for (struct process *process = p->first; process; process = process->next) {
			const struct maps *maps = smaps_now(x, process);
			const char *at = at_stop(x, p);

			if (maps->count == 0)
				continue;
			printf("%s[%d] at %s: %s\n", p->name, process->ns_pid,
			       at ? at : "an unknown line",
			       p->stop.event ? event_text(x->arena, p->stop.event) : "stopped");
			for (size_t i = 0; i < maps->count; i++)
				show_vma(&maps->vma[i]);
			printf("\n");
		}
}

void show_lab(struct exam *x, const char *const *args, bool maps_only)
{
	if (setjmp(x->end_of_check) == 0) {
		exam_begin(x);
		x->show_maps = maps_only;
		x->lab->show(x, args);
	}
	if (!maps_only) {
		print_timeline(x);
		print_outputs(x);
	}
	exam_end(x);
}
