#include "stage/leftovers.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"
#include "procfs/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHM_DIRECTORY "/dev/shm"

enum kind { SHM, SEM, MSG };
static const char *const tables[] = { "/proc/sysvipc/shm", "/proc/sysvipc/sem",
				      "/proc/sysvipc/msg" };

static int remove_object(enum kind kind, int id)
{
	int result = -1;

	switch (kind) {
	case SHM:
		result = shmctl(id, IPC_RMID, NULL);
		break;
	case SEM:
		result = semctl(id, 0, IPC_RMID);
		break;
	case MSG:
		result = msgctl(id, IPC_RMID, NULL);
		break;
	}
	return result == 0 || errno == EINVAL || errno == EIDRM ? 0 : -1;
}

/* One row of a table in /proc/sysvipc. */
struct object {
	int id;
	uid_t uid;
	unsigned long attached;
};

/* The columns of the three tables differ; the second is the id in each. */
static bool parse_row(enum kind kind, const char *line, struct object *o)
{
	unsigned long uid = 0;
	int n = 0;

	o->attached = 0;
	switch (kind) {
	case SHM: /* key shmid perms size cpid lpid nattch uid */
		n = sscanf(line, "%*d %d %*o %*u %*d %*d %lu %lu", &o->id, &o->attached, &uid) - 1;
		break;
	case SEM: /* key semid perms nsems uid */
		n = sscanf(line, "%*d %d %*o %*u %lu", &o->id, &uid);
		break;
	case MSG: /* key msqid perms cbytes qnum lspid lrpid uid */
		n = sscanf(line, "%*d %d %*o %*u %*u %*d %*d %lu", &o->id, &uid);
		break;
	}
	o->uid = (uid_t)uid;
	return n == 2;
}

typedef int object_action(enum kind kind, const struct object *o, void *context);

static int each_object(enum kind kind, object_action *action, void *context)
{
	struct buffer text = { 0 };
	int result = 0;

	if (file_read(tables[kind], &text, 16 << 20) == 0) {
		char *rest = text.data, *line = strtok_r(rest, "\n", &rest);

		while (line != NULL && (line = strtok_r(NULL, "\n", &rest)) != NULL) {
			struct object o;

			if (parse_row(kind, line, &o) && action(kind, &o, context) < 0)
				result = -1;
		}
	}
	buffer_free(&text);
	return result;
}

static int remove_any(enum kind kind, const struct object *o, void *context)
{
	(void)context;
	return remove_object(kind, o->id);
}

int leftovers_remove_all_ipc(void)
{
	int result = 0;

	for (enum kind kind = SHM; kind <= MSG; kind++)
		if (each_object(kind, remove_any, NULL) < 0)
			result = -1;
	return result;
}

static int note_object(enum kind kind, const struct object *o, void *context)
{
	struct leftovers *before = context;
	int *ids;

	if (o->uid != before->uid)
		return 0;
	ids = realloc(before->ids[kind], (before->counts[kind] + 1) * sizeof(*ids));
	if (ids == NULL)
		return -1;
	ids[before->counts[kind]++] = o->id;
	before->ids[kind] = ids;
	return 0;
}

static int remove_new(enum kind kind, const struct object *o, void *context)
{
	const struct leftovers *before = context;

	if (o->uid != before->uid || o->attached > 0)
		return 0;
	for (size_t i = 0; i < before->counts[kind]; i++)
		if (before->ids[kind][i] == o->id)
			return 0;
	return remove_object(kind, o->id);
}

/* The next entry of a directory that is neither "." nor "..". */
static struct dirent *next_entry(DIR *dir)
{
	struct dirent *entry;

	do
		entry = readdir(dir);
	while (entry != NULL &&
	       (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	return entry;
}

static void note_names(struct leftovers *before)
{
	struct buffer names = { 0 };
	DIR *dir = opendir(SHM_DIRECTORY);
	struct dirent *entry;

	while (dir != NULL && (entry = next_entry(dir)) != NULL)
		buffer_add(&names, entry->d_name, strlen(entry->d_name) + 1);
	if (dir != NULL)
		closedir(dir);
	before->names = names.data;
	before->size = names.size;
}

void leftovers_note(struct leftovers *before, uid_t uid)
{
	*before = (struct leftovers){ .uid = uid };
	for (enum kind kind = SHM; kind <= MSG; kind++)
		each_object(kind, note_object, before);
	note_names(before);
}

void leftovers_free(struct leftovers *before)
{
	for (int kind = SHM; kind <= MSG; kind++)
		free(before->ids[kind]);
	free(before->names);
	*before = (struct leftovers){ .uid = before->uid };
}

static bool was_there(const struct leftovers *before, const char *name)
{
	for (size_t at = 0; at < before->size; at += strlen(before->names + at) + 1)
		if (strcmp(before->names + at, name) == 0)
			return true;
	return false;
}

/* Calls ACTION for each process there is. */
static void each_process(void (*action)(pid_t pid, void *context), void *context)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]))
			action((pid_t)atoi(entry->d_name), context);
	if (dir != NULL)
		closedir(dir);
}

struct use {
	const char *path;
	bool found;
};

static void look_for_use(pid_t pid, void *context)
{
	struct use *use = context;
	struct buffer maps = { 0 };
	char name[64], link[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (use->found)
		return;
	if (proc_read(pid, "maps", &maps) == 0)
		use->found = strstr(buffer_text(&maps), use->path) != NULL;
	buffer_free(&maps);
	snprintf(name, sizeof(name), "/proc/%d/fd", (int)pid);
	dir = opendir(name);
	while (dir != NULL && !use->found && (entry = next_entry(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (n > 0) {
			link[n] = '\0';
			use->found = strcmp(link, use->path) == 0;
		}
	}
	if (dir != NULL)
		closedir(dir);
}

static int remove_new_names(const struct leftovers *before)
{
	DIR *dir = opendir(SHM_DIRECTORY);
	struct dirent *entry;
	int result = 0;

	while (dir != NULL && (entry = next_entry(dir)) != NULL) {
		char path[PATH_MAX];
		struct use use = { path, false };
		struct stat st;

		snprintf(path, sizeof(path), SHM_DIRECTORY "/%s", entry->d_name);
		if (was_there(before, entry->d_name) || lstat(path, &st) < 0 ||
		    st.st_uid != before->uid)
			continue;
		each_process(look_for_use, &use);
		if (!use.found && file_remove_tree(path) < 0)
			result = -1;
	}
	if (dir != NULL)
		closedir(dir);
	return result;
}

int leftovers_remove(const struct leftovers *before)
{
	struct leftovers context = *before;
	int result = 0;

	for (enum kind kind = SHM; kind <= MSG; kind++)
		if (each_object(kind, remove_new, &context) < 0)
			result = -1;
	if (remove_new_names(before) < 0)
		result = -1;
	return result;
}

int leftovers_empty_directory(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int result = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0 : -1;
	while ((entry = next_entry(dir)) != NULL) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) >=
			    (int)sizeof(path) ||
		    file_remove_tree(path) < 0)
			result = -1;
	}
	closedir(dir);
	return result;
}

struct hunt {
	const char *name, *path;
	unsigned killed;
};

static void kill_if_named(pid_t pid, void *context)
{
	struct hunt *hunt = context;
	struct buffer words = { 0 };
	struct proc_stat stat;

	if (proc_stat(pid, &stat) == 0 && strcmp(stat.name, hunt->name) == 0 &&
	    proc_read(pid, "cmdline", &words) == 0 &&
	    memmem(words.data, words.size, hunt->path, strlen(hunt->path)) != NULL &&
	    kill(pid, SIGKILL) == 0)
		hunt->killed++;
	buffer_free(&words);
}

unsigned leftovers_kill_named(const char *name, const char *path)
{
	struct hunt hunt = { .name = name, .path = path };

	each_process(kill_if_named, &hunt);
	return hunt.killed;
}

struct counting {
	uid_t uid;
	unsigned tasks;
};

static void count_process(pid_t pid, void *context)
{
	struct counting *counting = context;
	struct proc_status status;
	struct proc_stat stat;

	if (proc_status(pid, &status) == 0 && status.uid == counting->uid &&
	    proc_stat(pid, &stat) == 0)
		counting->tasks += stat.threads;
}

unsigned leftovers_count_tasks(uid_t uid)
{
	struct counting counting = { uid, 0 };

	each_process(count_process, &counting);
	return counting.tasks;
}

static void reap_if_traced(pid_t pid, void *context)
{
	struct proc_status status;
	pid_t tids[256];
	int count;

	(void)context;
	if (proc_status(pid, &status) != 0 || status.tracer != getpid())
		return;
	/* the leader can be reaped after the last of its threads only */
	count = proc_tasks(pid, tids, sizeof(tids) / sizeof(tids[0]));
	for (int i = count < 256 ? count - 1 : 255; i >= 0; i--) {
		waitpid(tids[i], NULL, WNOHANG | __WALL);
		/* one that was told to stop at its exit stands there, killed or not, until let go
		 */
		ptrace(PTRACE_CONT, tids[i], NULL, NULL);
	}
}

void leftovers_reap_traced(void)
{
	each_process(reap_if_traced, NULL);
}

/* The processes of the host with their parents, for finding descendants. */
struct family {
	struct {
		pid_t pid, parent;
		bool in;
	} * members;
	size_t count, room;
};

static void add_member(pid_t pid, void *context)
{
	struct family *f = context;
	struct proc_stat stat;

	if (proc_stat(pid, &stat) != 0 || stat.state == 'Z')
		return;
	if (f->count == f->room) {
		size_t room = f->room * 2 + 256;
		void *more = realloc(f->members, room * sizeof(*f->members));

		if (more == NULL)
			return;
		f->members = more;
		f->room = room;
	}
	f->members[f->count].pid = pid;
	f->members[f->count].parent = stat.ppid;
	f->members[f->count++].in = false;
}

static bool is_in(const struct family *f, pid_t pid)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->members[i].pid == pid)
			return f->members[i].in;
	return false;
}

unsigned leftovers_kill_tree(pid_t root)
{
	struct family f = { 0 };
	unsigned killed = 0;
	bool more = true;

	each_process(add_member, &f);
	while (more) {
		more = false;
		for (size_t i = 0; i < f.count; i++) {
			if (f.members[i].in || f.members[i].pid == root ||
			    (f.members[i].parent != root && !is_in(&f, f.members[i].parent)))
				continue;
			f.members[i].in = more = true;
			if (kill(f.members[i].pid, SIGKILL) == 0)
				killed++;
		}
	}
	free(f.members);
	return killed;
}
