/*
 * stage_roles.h: what the test program does when it is put on a stage as a "student's program". A
 * role is chosen by argv: PROGRAM --role NAME [ARGUMENT]; a constructor sees to it before main().
 */
#ifndef TESTS_STAGE_ROLES_H
#define TESTS_STAGE_ROLES_H

#define ROLE_WORD "--role"

/* Exit status 0: all as it should be; else the last line of output says what is not. */
typedef int role_function(const char *argument);

struct role {
	const char *name;
	role_function *function;
};
extern const struct role stage_roles[];

#endif
