/* Words and sums of a record; see record.h. */
#include "exam/record.h"

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = { "pending", "pass", "fail", "skip", "broken" };

	return names[verdict];
}

const char *lab_status_name(enum lab_status status)
{
	static const char *const names[] = { "pass", "fail", "untouched", "build-error", "broken" };

	return names[status];
}

int record_exit_status(const struct record *record)
{
	int status = 0;

	for (size_t i = 0; i < record->count; i++) {
		if (record->lab[i].status == LAB_BROKEN)
			return 3;
		if (record->lab[i].status != LAB_PASS)
			status = 1;
	}
	return status;
}
