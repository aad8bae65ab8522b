#include "report/style.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_ELSEWHERE = 100, WIDTH_LEAST = 40, WIDTH_MOST = 120 };

static const char *const tones[TONE_COUNT] = {
	[TONE_PLAIN] = "",	  [TONE_PASS] = "\033[32m",   [TONE_FAIL] = "\033[31m",
	[TONE_SKIP] = "\033[33m", [TONE_BROKEN] = "\033[35m", [TONE_DIM] = "\033[2m",
	[TONE_BOLD] = "\033[1m",  [TONE_HINT] = "\033[36m",
};

static const struct {
	const char *mark, *plain;
	enum tone tone;
} verdicts[] = {
	[VERDICT_PENDING] = { "·", ".", TONE_DIM },   [VERDICT_PASS] = { "✓", "+", TONE_PASS },
	[VERDICT_FAIL] = { "✗", "x", TONE_FAIL },     [VERDICT_SKIP] = { "–", "-", TONE_SKIP },
	[VERDICT_BROKEN] = { "!", "!", TONE_BROKEN },
};

static const struct {
	enum verdict like;
	const char *word;
} statuses[] = {
	[LAB_PASS] = { VERDICT_PASS, "passed" },
	[LAB_FAIL] = { VERDICT_FAIL, "failed" },
	[LAB_UNTOUCHED] = { VERDICT_PENDING, "not started" },
	[LAB_BUILD_ERROR] = { VERDICT_FAIL, "does not compile" },
	[LAB_BROKEN] = { VERDICT_BROKEN, "the grader failed" },
};

struct style style_plain(void)
{
	return (struct style){ .width = WIDTH_ELSEWHERE };
}

static int width_of_terminal(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH_ELSEWHERE;
	if (size.ws_col < WIDTH_LEAST)
		return WIDTH_LEAST;
	return size.ws_col < WIDTH_MOST ? size.ws_col : WIDTH_MOST;
}

struct style style_for(int fd, bool no_color, bool ascii)
{
	struct style style = style_plain();
	const char *never = getenv("NO_COLOR"), *term = getenv("TERM");

	style.terminal = isatty(fd);
	style.ascii = ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	if (!style.terminal)
		return style;
	style.width = width_of_terminal(fd);
	style.colour = !no_color && !(never && *never) && term && strcmp(term, "dumb") != 0;
	return style;
}

const char *tone_on(const struct style *style, enum tone tone)
{
	return style->colour ? tones[tone] : "";
}

const char *tone_off(const struct style *style)
{
	return style->colour ? "\033[0m" : "";
}

const char *verdict_mark(const struct style *style, enum verdict verdict)
{
	return style->ascii ? verdicts[verdict].plain : verdicts[verdict].mark;
}

const char *status_mark(const struct style *style, enum lab_status status)
{
	return verdict_mark(style, statuses[status].like);
}

enum tone verdict_tone(enum verdict verdict)
{
	return verdicts[verdict].tone;
}

enum tone status_tone(enum lab_status status)
{
	return verdicts[statuses[status].like].tone;
}

const char *status_word(enum lab_status status)
{
	return statuses[status].word;
}
