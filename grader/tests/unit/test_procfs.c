/* test_procfs.c: the small files of /proc as texts, and all readings of living processes. */
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "procfs/cache.h"
#include "procfs/pagemap.h"
#include "procfs/proc.h"
#include "procfs/sysvipc.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static struct arena *arena;
static char scratch[] = "/var/tmp/maplab-procfs-XXXXXX"; /* a disk more likely than /tmp is */

static void set_up(void)
{
	arena = arena_new((size_t)1 << 28, false);
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(chdir(scratch), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(file_remove_tree(scratch), 0);
	arena_free(arena);
}

/* Waits until the thread is in a state, for a child does not get there at once. */
static void wait_for_state(pid_t tid, char state)
{
	int64_t start = clock_now();
	struct proc_stat stat;

	do
		ck_assert_int_eq(proc_stat(tid, &stat), 0);
	while (stat.state != state && clock_now() - start < 5 * NS_PER_S);
	ck_assert_int_eq(stat.state, state);
}

/* A child that runs FUNCTION and then waits in pause(2) for its end. */
static pid_t start_child(void (*function)(void))
{
	int ends[2];
	pid_t child;
	char ready;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		function();
		close(ends[0]);
		if (write(ends[1], "r", 1) == 1)
			close(ends[1]);
		for (;;)
			pause();
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &ready, 1), 1);
	close(ends[0]);
	wait_for_state(child, 'S');
	return child;
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

/* A file of PAGES pages in the scratch directory, open for reading and writing. */
static int make_file(const char *name, int pages)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char page[PAGE];

	ck_assert_int_ge(fd, 0);
	memset(page, 'x', sizeof(page));
	for (int i = 0; i < pages; i++)
		ck_assert_int_eq(write(fd, page, PAGE), PAGE);
	return fd;
}

/* stat --------------------------------------------------------------------------------------- */

#define STAT_REST " S 4700 4711 4700 34816 -1 4194304 95 1 2 3 4 5 6 7 20 0 3 0 8123456 99 1"

static const struct {
	const char *text;
	bool good;
	const char *name;
} stats[] = {
	{ "4711 (sh)" STAT_REST "\n", true, "sh" },
	{ "4711 (my (odd) name) R 1 2)" STAT_REST, true, "my (odd) name) R 1 2" },
	{ "4711 ()" STAT_REST, true, "" },
	{ "4711 (a\nb)" STAT_REST, true, "a\nb" },
	{ "4711 (sh) S 4700 4711", false, "" },
	{ "4711 (sh)", false, "" },
	{ "4711 sh S", false, "" },
	{ ") (", false, "" },
	{ "(", false, "" },
	{ "", false, "" },
};

START_TEST(stat_is_understood)
{
	struct proc_stat stat;

	ck_assert_int_eq(proc_stat_parse(stats[_i].text, strlen(stats[_i].text), &stat),
			 stats[_i].good);
	ck_assert_str_eq(stat.name, stats[_i].name);
	ck_assert_int_eq(stat.state, stats[_i].good ? 'S' : 0);
	if (!stats[_i].good)
		return;
	ck_assert_int_eq(stat.ppid, 4700);
	ck_assert_uint_eq(stat.minflt, 95);
	ck_assert_uint_eq(stat.majflt, 2);
	ck_assert_uint_eq(stat.utime_ticks, 4);
	ck_assert_uint_eq(stat.stime_ticks, 5);
	ck_assert_uint_eq(stat.threads, 3);
	ck_assert_uint_eq(stat.start_ticks, 8123456);
}
END_TEST

static void take_odd_name(void)
{
	prctl(PR_SET_NAME, "a) R (b");
}

START_TEST(stat_of_a_child)
{
	pid_t child = start_child(take_odd_name);
	struct proc_stat stat;

	ck_assert_int_eq(proc_stat(child, &stat), 0);
	ck_assert_str_eq(stat.name, "a) R (b");
	ck_assert_int_eq(stat.ppid, getpid());
	ck_assert_uint_eq(stat.threads, 1);
	end_child(child);
	ck_assert_int_eq(proc_stat(child, &stat), ENOENT);
	ck_assert_int_eq(stat.state, 0);
}
END_TEST

/* A thread that touches 500 pages and then waits. */
static pid_t thread_id;
static pthread_barrier_t touched;

static void *touch_pages(void *unused)
{
	char *at = mmap(NULL, 500 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	(void)unused;
	madvise(at, 500 * PAGE, MADV_NOHUGEPAGE);
	thread_id = gettid();
	for (int i = 0; i < 500; i++)
		at[i * PAGE] = 1;
	pthread_barrier_wait(&touched);
	for (;;)
		pause();
	return NULL;
}

START_TEST(stat_of_a_thread_is_of_its_process)
{
	struct proc_stat before, after, other;
	pthread_t thread;
	pid_t tids[4];

	ck_assert_int_eq(proc_stat(0, &before), 0);
	ck_assert_int_eq(pthread_barrier_init(&touched, NULL, 2), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, touch_pages, NULL), 0);
	pthread_barrier_wait(&touched);
	ck_assert_int_eq(proc_stat(getpid(), &after), 0);
	ck_assert_int_eq(proc_stat(thread_id, &other), 0);
	ck_assert_uint_ge(after.minflt, before.minflt + 500);
	ck_assert_uint_ge(other.minflt, before.minflt + 500);
	ck_assert_uint_eq(after.threads, 2);
	ck_assert_uint_eq(other.threads, 2);

	ck_assert_int_eq(proc_tasks(getpid(), tids, 4), 2);
	ck_assert(tids[0] < tids[1]);
	ck_assert(tids[0] == thread_id || tids[1] == thread_id);
	ck_assert_int_eq(proc_tasks(getpid(), tids, 1), 2);
	ck_assert_int_eq(proc_tasks(getpid(), NULL, 0), 2);
	ck_assert_int_eq(proc_tasks(0x7ffffffe, tids, 4), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* status ------------------------------------------------------------------------------------- */

START_TEST(status_is_understood)
{
	static const char text[] = "Name:\tx\\nUid:\\t7\nState:\tS (sleeping)\nPid:\t4711\n"
				   "TracerPid:\t12\nUid:\t1000\t1001\t1002\t1003\n"
				   "NSpid:\t4711\t20\t2\nVmHWM:\t    1520 kB\nRssAnon:\t 100 kB\n"
				   "RssFile:\t1400 kB\nRssShmem:\t  20 kB\nSomethingNew:\tx\n"
				   "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n"
				   "SigCgt:\t8000000000000400\nvoluntary_ctxt_switches:\t5\n"
				   "nonvoluntary_ctxt_switches:\t6\n";
	struct proc_status s;

	ck_assert(proc_status_parse(text, strlen(text), &s));
	ck_assert_uint_eq(s.vm_hwm_kb, 1520);
	ck_assert_uint_eq(s.rss_anon_kb, 100);
	ck_assert_uint_eq(s.rss_file_kb, 1400);
	ck_assert_uint_eq(s.rss_shmem_kb, 20);
	ck_assert(proc_mask_has(s.sig_caught, SIGSEGV) && proc_mask_has(s.sig_caught, 64));
	ck_assert(proc_mask_has(s.sig_ignored, SIGPIPE) && proc_mask_has(s.sig_blocked, SIGHUP));
	ck_assert(!proc_mask_has(s.sig_caught, SIGBUS) && !proc_mask_has(~UINT64_C(0), 0));
	ck_assert(!proc_mask_has(~UINT64_C(0), 65));
	ck_assert_int_eq(s.ns_pid, 2);
	ck_assert_uint_eq(s.uid, 1000);
	ck_assert_int_eq(s.tracer, 12);
	ck_assert_uint_eq(s.voluntary_switches, 5);
	ck_assert_uint_eq(s.involuntary_switches, 6);
	ck_assert(!proc_status_parse("Name:\tx\n", 8, &s));
	ck_assert(!proc_status_parse("Pid:\tx\n", 7, &s));
	ck_assert(!proc_status_parse("", 0, &s));
}
END_TEST

static void set_signals(void)
{
	signal(SIGSEGV, exit);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &(sigset_t){ { 1ul << (SIGUSR1 - 1) } }, NULL);
}

START_TEST(status_of_a_child_and_of_a_zombie)
{
	pid_t child = start_child(set_signals);
	struct proc_status s;
	struct maps maps;

	ck_assert_int_eq(proc_status(child, &s), 0);
	ck_assert(proc_mask_has(s.sig_caught, SIGSEGV) && !proc_mask_has(s.sig_caught, SIGPIPE));
	ck_assert(proc_mask_has(s.sig_ignored, SIGPIPE) && proc_mask_has(s.sig_blocked, SIGUSR1));
	ck_assert_uint_gt(s.vm_hwm_kb, 0);
	ck_assert_uint_eq(s.uid, getuid());
	ck_assert_int_eq(s.ns_pid, child);
	ck_assert_int_eq(s.tracer, 0);
	ck_assert_uint_gt(s.voluntary_switches, 0);

	kill(child, SIGKILL);
	wait_for_state(child, 'Z');
	ck_assert_int_eq(proc_status(child, &s), 0);
	ck_assert_uint_eq(s.vm_hwm_kb, 0);
	ck_assert_int_eq(proc_maps(arena, child, &maps), 0);
	ck_assert_uint_eq(maps.count, 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(proc_maps(arena, child, &maps), ENOENT);
}
END_TEST

/* syscall ------------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	bool good;
	struct proc_syscall call;
} calls[] = {
	{ "running\n", true, { .where = PROC_RUNNING } },
	{ "-1 0x7ffc00 0x401136\n", true, { PROC_NOT_IN_CALL, -1, { 0 }, 0x7ffc00, 0x401136 } },
	{ "9 0x0 0x1000 0x3 0x22 0xffffffff 0x5 0x7ffc00 0x7f00\n",
	  true,
	  { PROC_IN_CALL, 9, { 0, 0x1000, 3, 0x22, 0xffffffff, 5 }, 0x7ffc00, 0x7f00 } },
	{ "9 0x0 0x1000\n", false, { .where = PROC_RUNNING } },
	{ "", false, { .where = PROC_RUNNING } },
};

START_TEST(syscall_is_understood)
{
	const struct proc_syscall *want = &calls[_i].call;
	struct proc_syscall call;

	ck_assert_int_eq(proc_syscall_parse(calls[_i].text, strlen(calls[_i].text), &call),
			 calls[_i].good);
	ck_assert_int_eq(call.where, want->where);
	ck_assert_int_eq(call.number, want->number);
	ck_assert_int_eq(memcmp(call.args, want->args, sizeof(call.args)), 0);
	ck_assert_uint_eq(call.sp, want->sp);
	ck_assert_uint_eq(call.pc, want->pc);
}
END_TEST

START_TEST(syscall_of_a_child)
{
	struct proc_syscall call;
	pid_t child;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		char byte;

		close(ends[1]);
		_exit((int)read(ends[0], &byte, 1));
	}
	wait_for_state(child, 'S');
	if (proc_syscall(child, &call) == 0) { /* EPERM where ptrace is forbidden */
		ck_assert_int_eq(call.where, PROC_IN_CALL);
		ck_assert_int_eq(call.number, SYS_read);
		ck_assert_uint_eq(call.args[0], (uint64_t)ends[0]);
		ck_assert_uint_eq(call.args[2], 1);
	}
	end_child(child);
}
END_TEST

START_TEST(syscall_of_a_busy_child)
{
	struct proc_syscall call;
	pid_t child = fork();
	int64_t start = clock_now();

	if (child == 0)
		for (volatile unsigned i = 0;; i++)
			;
	do
		if (proc_syscall(child, &call) != 0)
			call.where = PROC_RUNNING;
	while (call.where != PROC_RUNNING && clock_now() - start < 5 * NS_PER_S);
	ck_assert_int_eq(call.where, PROC_RUNNING);
	end_child(child);
}
END_TEST

/* fd, fdinfo, io ------------------------------------------------------------------------------ */

START_TEST(fdinfo_is_understood)
{
	static const char text[] = "pos:\t40\nflags:\t02100002\nmnt_id:\t27\nino:\t1183\n";
	int64_t offset = 0;
	int flags = 0;

	ck_assert(proc_fdinfo_parse(text, strlen(text), &flags, &offset));
	ck_assert_int_eq(offset, 40);
	ck_assert_int_eq(flags, 02100002);
	ck_assert(!proc_fdinfo_parse("pos:\t40\n", 8, &flags, &offset));
	ck_assert(!proc_fdinfo_parse("", 0, &flags, &offset));
}
END_TEST

static void open_things(void)
{
	int fd = make_file("my file", 1);

	dup2(fd, 100);
	lseek(fd, 40, SEEK_SET);
	unlink("my file");
}

START_TEST(fds_of_a_child)
{
	pid_t child = start_child(open_things);
	const struct proc_fd *ours = NULL;
	struct proc_fd *list;
	size_t count, same = 0;

	ck_assert_int_eq(proc_fds(arena, child, &list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		ck_assert(i == 0 || list[i - 1].number < list[i].number);
		if (list[i].number == 100)
			ours = &list[i];
	}
	ck_assert_ptr_nonnull(ours);
	ck_assert_str_eq(ours->link, arena_format(arena, "%s/my file (deleted)", scratch));
	ck_assert(S_ISREG(ours->mode));
	ck_assert_int_eq(ours->offset, 40);
	ck_assert_int_eq(ours->flags & O_ACCMODE, O_RDWR);
	ck_assert(!(ours->flags & O_CLOEXEC)); /* dup2(2) took it off the copy */
	for (size_t i = 0; i < count; i++) {
		if (&list[i] == ours || list[i].ino != ours->ino || list[i].dev != ours->dev)
			continue;
		ck_assert(list[i].flags & O_CLOEXEC);
		same++;
	}
	ck_assert_uint_eq(same, 1);
	end_child(child);
	ck_assert_int_eq(proc_fds(arena, child, &list, &count), ENOENT);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(io_is_understood)
{
	static const char text[] = "rchar: 4292\nwchar: 7\nsyscr: 13\nsyscw: 2\nread_bytes: 0\n";
	struct proc_io io;

	ck_assert(proc_io_parse(text, strlen(text), &io));
	ck_assert_uint_eq(io.rchar, 4292);
	ck_assert_uint_eq(io.wchar, 7);
	ck_assert_uint_eq(io.syscr, 13);
	ck_assert_uint_eq(io.syscw, 2);
	ck_assert(!proc_io_parse("rchar: 4292\n", 12, &io));
	ck_assert_uint_eq(io.rchar, 0);
}
END_TEST

START_TEST(io_counts_read_and_not_loads)
{
	int fd = make_file("f", 16);
	struct proc_io before, middle, after;
	char bytes[8 * PAGE], *map;
	unsigned sum = 0;

	ck_assert_int_eq(proc_io(0, &before), 0);
	ck_assert_int_eq(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	ck_assert_int_eq(proc_io(0, &middle), 0);
	map = mmap(NULL, 16 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	for (int i = 0; i < 16 * PAGE; i++)
		sum += (unsigned char)map[i];
	ck_assert_uint_eq(sum, 16 * PAGE * 'x');
	ck_assert_int_eq(proc_io(0, &after), 0);
	ck_assert_uint_ge(middle.rchar, before.rchar + sizeof(bytes));
	ck_assert_uint_lt(middle.rchar, before.rchar + sizeof(bytes) + 2000);
	ck_assert_uint_lt(after.rchar, middle.rchar + 2000);
	munmap(map, 16 * PAGE);
	close(fd);
}
END_TEST

/* maps of ourselves --------------------------------------------------------------------------- */

START_TEST(maps_show_a_file_by_identity)
{
	static const char name[] = "a file\nwith (deleted)";
	int fd = make_file(name, 4);
	struct maps maps;
	const struct vma *v;
	char *map;
	dev_t dev;
	ino_t ino;

	map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_int_eq(proc_file_identity(fd, &dev, &ino), 0);
	ck_assert_int_eq(proc_maps(arena, 0, &maps), 0);
	v = maps_next_of_file(&maps, NULL, dev, ino);
	ck_assert_ptr_nonnull(v);
	ck_assert_uint_eq(v->start, (uintptr_t)map);
	ck_assert_str_eq(v->perms, "rw-s");
	/* the kernel writes as if a file "a file\nwith" were deleted: only the identity knows */
	ck_assert(text_ends(v->path, "/a file\\012with") && v->deleted);
	ck_assert(text_ends(v->line, "/a file\\012with (deleted)"));
	ck_assert(maps_cover_file(&maps, dev, ino, 0, 4 * PAGE, "rw-s"));

	/* in two pieces, the second elsewhere */
	ck_assert_ptr_ne(
		mremap(map + 2 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
		MAP_FAILED);
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(proc_maps(arena, 0, &maps), 0);
	ck_assert_uint_eq(maps_sum_of_file(&maps, dev, ino).count, 2);
	ck_assert(maps_cover_file(&maps, dev, ino, 0, 4 * PAGE, "rw-s"));
	v = maps_next_of_file(&maps, NULL, dev, ino);
	ck_assert(v->deleted && text_ends(v->path, "/a file\\012with (deleted)"));
	close(fd);
}
END_TEST

START_TEST(identity_of_an_empty_file)
{
	struct stat st;
	dev_t dev;
	ino_t ino;
	int fd = make_file("empty", 0);

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(proc_file_identity(fd, &dev, &ino), 0);
	ck_assert_uint_eq(ino, st.st_ino);
	close(fd);
	ck_assert_int_eq(proc_file_identity(fd, &dev, &ino), EBADF);
	ck_assert_uint_eq(ino, 0);
}
END_TEST

START_TEST(smaps_show_dirty_pages)
{
	int fd = make_file("f", 8);
	char *map = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	struct vma_memory before, after;
	struct maps maps;

	madvise(map, 8 * PAGE, MADV_NOHUGEPAGE);
	ck_assert_int_eq(proc_smaps(arena, 0, &maps), 0);
	before = maps_at(&maps, (uintptr_t)map)->memory;
	map[0] = map[3 * PAGE] = 'y';
	ck_assert_int_eq(proc_smaps(arena, 0, &maps), 0);
	after = maps_at(&maps, (uintptr_t)map)->memory;
	ck_assert(before.known && after.known);
	ck_assert_uint_eq(before.rss_kb, 0);
	ck_assert_uint_eq(after.size_kb, 32);
	ck_assert_uint_eq(after.private_dirty_kb, 8);
	ck_assert_uint_eq(after.anonymous_kb, 8);
	ck_assert(vma_has_flag(maps_at(&maps, (uintptr_t)map), "wr"));
	close(fd);
}
END_TEST

START_TEST(maps_of_thousands)
{
	enum { PAGES = 5000 };
	struct maps before, after, removed;
	char *map = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_int_eq(proc_maps(arena, 0, &before), 0);
	for (int i = 1; i < PAGES; i += 2)
		ck_assert_int_eq(mprotect(map + i * PAGE, PAGE, PROT_READ), 0);
	ck_assert_int_eq(proc_smaps(arena, 0, &after), 0);
	ck_assert_uint_ge(after.count, before.count + PAGES - 1);
	ck_assert_str_eq(maps_at(&after, (uintptr_t)map + 4999 * PAGE)->perms, "r--p");
	maps_diff(arena, &before, &after, NULL, &removed);
	ck_assert_uint_ge(removed.count, PAGES / 2);
	ck_assert_str_eq(after.vma[after.count - 1].path, "[vsyscall]");
}
END_TEST

/* System V ------------------------------------------------------------------------------------ */

static const char shm_text[] =
	"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
	"      atime      dtime      ctime                   rss                  swap    future\n"
	"-559038737          3   600                  4000  4711  4712      2  1000   100  1001   100"
	" 1795226400          0 1795226399                  8192                     0         9\n"
	"         0      32772  3666           17179869184  4711     0      1     0     0     0     0"
	"          0          0 1795226399                     0                     0         9\n";

START_TEST(shm_is_understood)
{
	const struct sysv_shm *s;
	struct sysv_shm *list;
	size_t count;

	ck_assert(sysvipc_shm_parse(arena, shm_text, strlen(shm_text), &list, &count));
	ck_assert_uint_eq(count, 2);
	s = sysvipc_find_shm(list, count, 3);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(s->key, -559038737);
	ck_assert_uint_eq(s->perms, 0600);
	ck_assert(!s->removed && !s->locked);
	ck_assert_uint_eq(s->size, 4000);
	ck_assert_int_eq(s->cpid, 4711);
	ck_assert_int_eq(s->lpid, 4712);
	ck_assert_uint_eq(s->nattch, 2);
	ck_assert_uint_eq(s->uid, 1000);
	ck_assert_uint_eq(s->cuid, 1001);
	ck_assert_uint_eq(s->rss, 8192);
	ck_assert(text_starts(s->line, "-559038737 "));
	s = sysvipc_find_shm(list, count, 32772);
	ck_assert(s->removed && s->locked && s->key == 0 && s->perms == 0666);
	ck_assert_uint_eq(s->size, UINT64_C(17179869184));
	ck_assert_ptr_null(sysvipc_find_shm(list, count, 4));
	ck_assert(!sysvipc_shm_parse(arena, "", 0, &list, &count));
	ck_assert(!sysvipc_shm_parse(arena, "a b\n", 4, &list, &count));
	ck_assert(!sysvipc_shm_parse(arena, "key shmid\n1\n", 12, &list, &count));
	ck_assert(sysvipc_shm_parse(arena, "key shmid\n1 2\n", 14, &list, &count));
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(sem_is_understood)
{
	static const char text[] =
		"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"
		"1627455820          7   644          2  1000   100  1001   100          0 1795226400\n";
	const struct sysv_sem *s;
	struct sysv_sem *list;
	size_t count;

	ck_assert(sysvipc_sem_parse(arena, text, strlen(text), &list, &count));
	s = sysvipc_find_sem(list, count, 7);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(s->key, 1627455820);
	ck_assert_uint_eq(s->perms, 0644);
	ck_assert_uint_eq(s->nsems, 2);
	ck_assert_uint_eq(s->uid, 1000);
	ck_assert_uint_eq(s->cuid, 1001);
	ck_assert_uint_eq(s->otime, 0);
	ck_assert_uint_eq(s->ctime, 1795226400);
}
END_TEST

START_TEST(segment_is_seen_from_creation_to_removal)
{
	int id = shmget(IPC_PRIVATE, 5000, IPC_CREAT | 0640);
	int sem = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
	const struct sysv_shm *s;
	struct sysv_shm *list;
	struct sysv_sem *sems;
	size_t count;
	void *at;

	ck_assert_int_ge(id, 0);
	at = shmat(id, NULL, 0);
	ck_assert_int_eq(sysvipc_shm(arena, 0, &list, &count), 0);
	s = sysvipc_find_shm(list, count, id);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(s->size, 5000);
	ck_assert_uint_eq(s->nattch, 1);
	ck_assert_int_eq(s->cpid, getpid());
	ck_assert(!s->removed);

	shmctl(id, IPC_RMID, NULL);
	ck_assert_int_eq(sysvipc_shm(arena, getpid(), &list, &count), 0);
	s = sysvipc_find_shm(list, count, id);
	ck_assert_ptr_nonnull(s);
	ck_assert(s->removed && s->key == 0);
	shmdt(at);
	ck_assert_int_eq(sysvipc_shm(arena, 0, &list, &count), 0);
	ck_assert_ptr_null(sysvipc_find_shm(list, count, id));

	ck_assert_int_eq(sysvipc_sem(arena, 0, &sems, &count), 0);
	ck_assert_ptr_nonnull(sysvipc_find_sem(sems, count, sem));
	ck_assert_uint_eq(sysvipc_find_sem(sems, count, sem)->nsems, 3);
	semctl(sem, 0, IPC_RMID);
}
END_TEST

/* A segment in an IPC namespace of its own, inside a user namespace of its own if possible. */
static void make_segment_elsewhere(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWIPC) == 0 || unshare(CLONE_NEWIPC) == 0)
		shmat(shmget(0x4d41504c, 12345, IPC_CREAT | 0600), NULL, 0);
}

static void see_segment_elsewhere(void)
{
	pid_t child = start_child(make_segment_elsewhere);
	struct stat ours, theirs;
	struct sysv_shm *list;
	const struct vma *v;
	struct maps maps;
	size_t count;

	ck_assert_int_eq(stat("/proc/self/ns/ipc", &ours), 0);
	ck_assert_int_eq(stat(arena_format(arena, "/proc/%d/ns/ipc", child), &theirs), 0);
	if (ours.st_ino != theirs.st_ino) { /* else this host has no namespaces for us */
		ck_assert_int_eq(sysvipc_shm(arena, child, &list, &count), 0);
		ck_assert_uint_eq(count, 1);
		ck_assert_int_eq(list[0].key, 0x4d41504c);
		ck_assert_uint_eq(list[0].size, 12345);
		ck_assert_int_eq(list[0].cpid, child);
		ck_assert_int_eq(list[0].shmid, 0); /* so its inode is 0, and yet it is a file */
		ck_assert_int_eq(proc_maps(arena, child, &maps), 0);
		v = maps_named(&maps, "/SYSV4d41504c");
		ck_assert_ptr_nonnull(v);
		ck_assert(v->deleted && v->inode == 0 && vma_has_file(v));
	}
	end_child(child);
	ck_assert_int_eq(sysvipc_shm(arena, child, &list, &count), ENOENT);
}

START_TEST(segment_in_another_namespace)
{
	see_segment_elsewhere();
}
END_TEST

START_TEST(segment_in_another_namespace_as_a_user)
{
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(".", 65534, 65534), 0);
		ck_assert_int_eq(setgid(65534), 0);
		ck_assert_int_eq(setuid(65534), 0);
		prctl(PR_SET_DUMPABLE, 1); /* or /proc/self would still be root's */
	}
	see_segment_elsewhere();
}
END_TEST

/* pagemap, cache ------------------------------------------------------------------------------ */

static const struct {
	uint64_t bits;
	struct pagemap_entry entry;
} entries[] = {
	{ 0, { 0 } },
	{ UINT64_C(0x8180000000001234),
	  { .present = true, .exclusive = true, .soft_dirty = true, .pfn = 0x1234 } },
	{ UINT64_C(0xa07fffffffffffff),
	  { .present = true, .file = true, .pfn = 0x7fffffffffffff } },
	{ UINT64_C(0x4000000000001234), { .swapped = true } },
};

START_TEST(pagemap_bits)
{
	struct pagemap_entry got = pagemap_decode(entries[_i].bits), want = entries[_i].entry;

	ck_assert_int_eq(got.present, want.present);
	ck_assert_int_eq(got.swapped, want.swapped);
	ck_assert_int_eq(got.file, want.file);
	ck_assert_int_eq(got.exclusive, want.exclusive);
	ck_assert_int_eq(got.soft_dirty, want.soft_dirty);
	ck_assert_uint_eq(got.pfn, want.pfn);
}
END_TEST

START_TEST(pagemap_of_ourselves)
{
	char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
	struct pagemap_entry entry;

	madvise(map, 2 * PAGE, MADV_NOHUGEPAGE);
	map[PAGE] = 1;
	ck_assert_int_eq(pagemap_entry(0, (uintptr_t)map, &entry), 0);
	ck_assert(!entry.present);
	ck_assert_int_eq(pagemap_entry(getpid(), (uintptr_t)map + PAGE + 17, &entry), 0);
	ck_assert(entry.present && entry.exclusive && !entry.file);
	munmap(map, 2 * PAGE);
	ck_assert_int_eq(pagemap_entry(0, (uintptr_t)map, &entry), 0);
	ck_assert(!entry.present && !entry.pfn);
	ck_assert_int_eq(pagemap_entry(0x7ffffffe, 0, &entry), ENOENT);
}
END_TEST

static bool on_disk(void)
{
	struct statfs fs;

	return statfs(".", &fs) == 0 && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC;
}

START_TEST(cache_knows_dirty_pages)
{
	int fd = make_file("f", 64);
	struct cache_stat stat;
	char *map;

	if (cache_stat(fd, 0, 0, &stat) < 0) {
		ck_assert(errno == ENOSYS || errno == EPERM);
		return;
	}
	ck_assert_uint_eq(stat.cached, 64);
	if (!on_disk())
		return;
	ck_assert_int_eq(fsync(fd), 0);
	map = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < 4; i++)
		map[i * 2 * PAGE] = 'y';
	ck_assert_int_eq(cache_stat(fd, 0, 64 * PAGE, &stat), 0);
	ck_assert_uint_eq(stat.dirty, 4);
	ck_assert_int_eq(msync(map, 4 * PAGE, MS_SYNC), 0);
	ck_assert_int_eq(cache_stat(fd, 0, 64 * PAGE, &stat), 0);
	ck_assert_uint_eq(stat.dirty, 2);
	munmap(map, 64 * PAGE);
	ck_assert_int_eq(cache_stat(-1, 0, 0, &stat), -1);
	close(fd);
}
END_TEST

START_TEST(cache_can_be_emptied)
{
	int fd = make_file("f", 5000); /* more than one piece of mincore's vector */
	ck_assert_int_eq(cache_resident_pages(fd), 5000);
	ck_assert_int_eq(cache_evict(fd), 0);
	if (on_disk())
		ck_assert_int_lt(cache_resident_pages(fd), 5000);
	close(fd);
	fd = make_file("empty", 0);
	ck_assert_int_eq(cache_resident_pages(fd), 0);
	close(fd);
	ck_assert_int_eq(cache_resident_pages(-1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(cache_evict(-1), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* A test once a row of its table, which it finds with _i. */
#define ADD_ROWS(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof(table) / sizeof(*(table))))

Suite *procfs_suite(void)
{
	Suite *suite = suite_create("procfs");
	TCase *proc = tcase_create("proc"), *maps = tcase_create("maps");
	TCase *sysvipc = tcase_create("sysvipc"), *pages = tcase_create("pages");
	TCase *const all[] = { proc, maps, sysvipc, pages };

	ADD_ROWS(proc, stat_is_understood, stats);
	tcase_add_test(proc, stat_of_a_child);
	tcase_add_test(proc, stat_of_a_thread_is_of_its_process);
	tcase_add_test(proc, status_is_understood);
	tcase_add_test(proc, status_of_a_child_and_of_a_zombie);
	ADD_ROWS(proc, syscall_is_understood, calls);
	tcase_add_test(proc, syscall_of_a_child);
	tcase_add_test(proc, syscall_of_a_busy_child);
	tcase_add_test(proc, fdinfo_is_understood);
	tcase_add_test(proc, fds_of_a_child);
	tcase_add_test(proc, io_is_understood);
	tcase_add_test(proc, io_counts_read_and_not_loads);

	tcase_add_test(maps, maps_show_a_file_by_identity);
	tcase_add_test(maps, identity_of_an_empty_file);
	tcase_add_test(maps, smaps_show_dirty_pages);
	tcase_add_test(maps, maps_of_thousands);

	tcase_add_test(sysvipc, shm_is_understood);
	tcase_add_test(sysvipc, sem_is_understood);
	tcase_add_test(sysvipc, segment_is_seen_from_creation_to_removal);
	tcase_add_test(sysvipc, segment_in_another_namespace);
	tcase_add_test(sysvipc, segment_in_another_namespace_as_a_user);

	ADD_ROWS(pages, pagemap_bits, entries);
	tcase_add_test(pages, pagemap_of_ourselves);
	tcase_add_test(pages, cache_knows_dirty_pages);
	tcase_add_test(pages, cache_can_be_emptied);

	for (int i = 0; i < 4; i++) {
		tcase_add_checked_fixture(all[i], set_up, tear_down);
		tcase_set_timeout(all[i], 20);
		suite_add_tcase(suite, all[i]);
	}
	return suite;
}
