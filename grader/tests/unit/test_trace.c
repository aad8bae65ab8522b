/*
 * test_trace.c: the tracer on real processes. A launcher forks a child that runs a function of this
 * file; the test takes stop after stop, looks, and lets go.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

#include "base/clock.h"
#include "procfs/proc.h"
#include "trace/call.h"
#include "trace/filter.h"
#include "trace/tracer.h"
#include "trace/watch.h"
#include "unit.h"

static struct tracer *tracer;
static struct process *born[4096]; /* in the order of their first stops */
static size_t born_count, gone_count;
static int tell[2]; /* pipe to the child */
static volatile int *shared;
static int semaphore;

/* ---- the traced side ---- */

static void load_filter(void)
{
	size_t length;
	struct sock_fprog program = { .filter = filter_new(&length) };

	program.len = (unsigned short)length;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void launcher(int (*behave)(void))
{
	char go;

	if (read(tell[0], &go, 1) != 1)
		_exit(1);
	if (fork() == 0)
		_exit(behave());
	for (;;)
		pause();
}

static int do_nothing(void)
{
	return 7;
}

static int make_family(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0)
		_exit(fork() == 0 ? 3 : 2);
	waitpid(child, &status, 0);
	return status == 2 << 8 ? 1 : 99;
}

static int make_calls(void)
{
	load_filter();
	if (msync(NULL, 4096, MS_SYNC) != -1 || errno != ENOMEM)
		return 1; /* nothing is mapped there */
	if (msync(NULL, 4096, MS_SYNC) != 0)
		return 2; /* the tracer makes it a success */
	if (fcntl(1000, F_GETFD) != -1 || errno != EDOM)
		return 3;
	return dup(1000) == tell[0] + 900 ? 0 : 4; /* another descriptor is put there */
}

/* clone3(2) by hand; -errno of a failure. 0 in *KEPT where a register has changed meanwhile. */
static long clone3_by_hand(const struct clone_args *args, bool *kept)
{
	*kept = true;
#ifdef __x86_64__
	long result = SYS_clone3, size = sizeof(*args), third = 7;
	const struct clone_args *first = args;

	__asm__ volatile("syscall"
			 : "+a"(result), "+D"(first), "+S"(size), "+d"(third)
			 :
			 : "rcx", "r11", "memory");
	*kept = first == args && size == sizeof(*args) && third == 7;
	return result;
#else
	long result = syscall(SYS_clone3, args, sizeof(*args));

	return result < 0 ? -errno : result;
#endif
}

static int make_clones(void)
{
	int pidfd = -1, status = 0;
	struct clone_args args = { .exit_signal = SIGCHLD, .pidfd = (uintptr_t)&pidfd };
	bool kept;
	long child;

	load_filter();
	args.flags = CLONE_NEWUSER;
	if (clone3_by_hand(&args, &kept) != -ENOSYS || !kept)
		return 1;
	args.flags = CLONE_VM; /* threads are libc's matter: it falls back on clone */
	if (clone3_by_hand(&args, &kept) != -ENOSYS || !kept)
		return 2;
	args.flags = CLONE_PIDFD;
	child = clone3_by_hand(&args, &kept);
	if (child == 0)
		_exit(kept ? 3 : 4);
	if (child < 0 || !kept || pidfd < 0)
		return 5;
	waitpid((pid_t)child, &status, 0);
	return status == 3 << 8 ? 0 : 6;
}

static void *do_exec(void *unused)
{
	execl("/bin/true", "true", (char *)NULL);
	return unused;
}

static int exec_of_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, do_exec, NULL);
	pause();
	return 1;
}

static void *do_wait(void *unused)
{
	char byte;

	return read(tell[0], &byte, 1) == 1 ? unused : NULL;
}

static int run_thread(void)
{
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, do_wait, (void *)tell);
	pthread_join(thread, &result);
	return result == (void *)tell ? 5 : 6;
}

static int stop_self(void)
{
	raise(SIGSTOP);
	return 4;
}

static int signal_self(void)
{
	raise(SIGUSR1);
	return 8;
}

static int spin(void)
{
	while (*shared == 0)
		continue;
	return 0;
}

static void make_threads(void)
{
	pthread_t thread;

	for (;;)
		if (pthread_create(&thread, NULL, do_wait, NULL) != 0)
			usleep(100);
}

static void make_children(void)
{
	for (;;) {
		if (fork() == 0)
			_exit(0);
		wait(NULL);
	}
}

static int kill_makers(void (*make)(void))
{
	for (int i = 0; i < 30; i++) {
		pid_t maker = fork();

		if (maker == 0)
			make();
		usleep((unsigned)(300 + i * 37));
		kill(maker, SIGKILL);
		if (waitpid(maker, NULL, 0) != maker)
			return 1;
	}
	return 9;
}

static int kill_makers_of_threads(void)
{
	return kill_makers(make_threads);
}

static int kill_makers_of_children(void)
{
	return kill_makers(make_children);
}

static void on_signal(int number)
{
	(void)number;
}

/* semop(2) ends with EINTR when a handler has run, and never else; see signal(7). */
static int wait_for_semaphore(void)
{
	struct sembuf take = { .sem_num = 0, .sem_op = -1 };

	signal(SIGUSR1, on_signal);
	*shared = 1;
	if (semop(semaphore, &take, 1) == 0)
		return 1;
	return errno == EINTR ? 2 : 3;
}

static int start_by_vfork(void)
{
	pid_t child = vfork();
	int status;

	if (child == 0)
		_exit(6);
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static int touch_shared(void)
{
	volatile int *other = (volatile int *)mremap((void *)shared, 0, 4096, MREMAP_MAYMOVE);

	__atomic_fetch_add((int *)&shared[3], 1, __ATOMIC_SEQ_CST);
	if (fork() == 0) {
		other[3] = 77;
		_exit(0);
	}
	wait(NULL);
	return shared[3] == 77 ? 0 : 1;
}

/* ---- the tracing side ---- */

static void *program_of_launch(void *context)
{
	return context;
}

static void process_born(void *context, struct process *process)
{
	ck_assert_ptr_eq(context, process->program);
	born[born_count++] = process;
}

static void process_gone(void *context, struct process *process)
{
	ck_assert_ptr_eq(context, process->program);
	ck_assert(process->gone);
	gone_count++;
}

static void begin(int (*behave)(void))
{
	struct tracer_hooks hooks = { (void *)begin, program_of_launch, process_born,
				      process_gone };
	pid_t pid;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_int_eq(pipe(tell), 0);
	pid = fork();
	if (pid == 0)
		launcher(behave);
	tracer = tracer_new(pid);
	ck_assert_ptr_nonnull(tracer);
	tracer_set_hooks(tracer, &hooks);
	ck_assert_int_eq(write(tell[1], "g", 1), 1);
}

static struct task *poll_stop(void)
{
	int64_t start = clock_now();
	struct task *task;

	while (!(task = tracer_poll(tracer)) && clock_now() - start < 20 * NS_PER_MS)
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	return task;
}

static void go(struct task *task)
{
	task->stop.kind = STOP_NONE;
	tracer_resume(tracer, task);
}

/* The next stop of this kind; others on the way are let go. */
static struct task *next_stop(enum stop_kind kind)
{
	int64_t start = clock_now();

	while (clock_now() - start < 5 * NS_PER_S) {
		struct task *task = poll_stop();

		if (task && task->stop.kind == kind)
			return task;
		if (task)
			go(task);
	}
	ck_abort_msg("no stop of kind %d", kind);
}

static struct task *next_call(enum call call)
{
	struct task *task;

	while ((task = next_stop(STOP_CALL))->stop.number != call_number(call))
		go(task);
	return task;
}

/* Until all that were born are gone. */
static void finish(void)
{
	int64_t start = clock_now();

	while (born_count == 0 || gone_count < born_count) {
		struct task *task = poll_stop();

		if (task)
			go(task);
		ck_assert(clock_now() - start < 5 * NS_PER_S);
	}
	tracer_free(tracer);
}

static void finish_with(int status)
{
	finish();
	ck_assert_int_eq(born[0]->status, status);
}

START_TEST(birth_and_death)
{
	struct task *task;

	begin(do_nothing);
	task = next_stop(STOP_BIRTH);
	ck_assert_ptr_eq(task->process, born[0]);
	ck_assert_int_eq(task->tid, born[0]->pid);
	ck_assert_ptr_null(born[0]->parent);
	ck_assert(task->stopped);
	go(task);
	task = next_stop(STOP_EXIT);
	ck_assert_int_eq(task->stop.status, 7 << 8);
	ck_assert(!born[0]->gone);
	go(task);
	finish_with(7 << 8);
}
END_TEST

START_TEST(family)
{
	begin(make_family);
	finish_with(1 << 8);
	ck_assert_uint_eq(born_count, 3);
	ck_assert_ptr_eq(born[1]->parent, born[0]);
	ck_assert_ptr_eq(born[2]->parent, born[1]);
	ck_assert_int_eq(born[1]->status, 2 << 8);
	ck_assert_int_eq(born[2]->status, 3 << 8);
}
END_TEST

START_TEST(calls)
{
	struct task *task;

	begin(make_calls);
	task = next_call(CALL_msync);
	ck_assert_uint_eq(task->stop.args[1], 4096);
	ck_assert_uint_eq(task->stop.args[2], MS_SYNC);
	task->how = RESUME_TO_RETURN;
	go(task);
	task = next_stop(STOP_RETURN);
	ck_assert_int_eq(task->stop.result, -ENOMEM);
	go(task);

	task = next_call(CALL_msync);
	ck_assert(arch_skip_call(task->tid, 0));
	go(task);
	task = next_call(CALL_fcntl);
	ck_assert(arch_skip_call(task->tid, -EDOM));
	task->how = RESUME_TO_RETURN;
	go(task);
	task = next_stop(STOP_RETURN);
	ck_assert_int_eq(task->stop.result, -EDOM);
	go(task);

	task = next_call(CALL_dup);
	ck_assert(arch_put_argument(task->tid, 0, (uint64_t)tell[0]));
	task->how = RESUME_TO_RETURN;
	go(task);
	task = next_stop(STOP_RETURN);
	ck_assert_int_gt(task->stop.result, tell[0]);
	ck_assert(arch_put_result(task->tid, tell[0] + 900));
	go(task);
	finish_with(0);
}
END_TEST

START_TEST(clone3)
{
	struct task *task;

	begin(make_clones);
	task = next_call(CALL_clone);
	ck_assert_uint_eq(task->stop.args[0], CLONE_PIDFD | SIGCHLD);
	task->how = RESUME_TO_RETURN;
	go(task);
	task = next_stop(STOP_FORK);
	task->how = RESUME_TO_RETURN;
	go(task);
	finish_with(0);
}
END_TEST

/* The thread takes over the id of the first one, which is gone without a word. */
START_TEST(exec_by_thread)
{
	struct task *task;

	begin(exec_of_thread);
	task = next_stop(STOP_EXEC);
	ck_assert_int_eq(task->tid, born[0]->pid);
	ck_assert_ptr_eq(born[0]->tasks, task);
	ck_assert_ptr_null(task->next);
	ck_assert(born[0]->running_program);
	go(task);
	finish_with(0);
	ck_assert_uint_eq(born_count, 1);
}
END_TEST

START_TEST(threads)
{
	struct task *task;

	begin(run_thread);
	go(next_stop(STOP_BIRTH));
	task = next_stop(STOP_BIRTH);
	ck_assert_ptr_eq(task->process, born[0]);
	ck_assert_int_ne(task->tid, born[0]->pid);
	ck_assert_ptr_eq(born[0]->tasks->next, task);
	go(task);
	ck_assert_int_eq(write(tell[1], "x", 1), 1);
	ck_assert_int_eq(next_stop(STOP_EXIT)->tid, task->tid);
	go(task);
	finish_with(5 << 8);
	ck_assert_uint_eq(born_count, 1);
}
END_TEST

/* A group stop is left alone (PTRACE_LISTEN) and ends with SIGCONT, as without a tracer. */
START_TEST(group_stop)
{
	struct task *task;

	begin(stop_self);
	task = next_stop(STOP_SIGNAL);
	ck_assert_int_eq(task->stop.info.si_signo, SIGSTOP);
	task->signal = SIGSTOP;
	go(task);
	task = next_stop(STOP_GROUP);
	task->how = RESUME_LISTEN;
	go(task);
	ck_assert(task->listening);
	ck_assert_ptr_null(poll_stop());
	kill(task->tid, SIGCONT);
	finish_with(4 << 8);
}
END_TEST

START_TEST(signals)
{
	struct task *task;

	begin(signal_self);
	task = next_stop(STOP_SIGNAL);
	ck_assert_int_eq(task->stop.info.si_signo, SIGUSR1);
	ck_assert_int_eq(task->stop.info.si_code, SI_TKILL);
	task->signal = _i ? SIGUSR1 : 0;
	go(task);
	finish_with(_i ? SIGUSR1 : 8 << 8);
}
END_TEST

START_TEST(interrupt)
{
	struct task *task;

	begin(spin);
	task = next_stop(STOP_BIRTH);
	go(task);
	tracer_interrupt(task);
	ck_assert_ptr_eq(next_stop(STOP_INTERRUPT), task);
	ck_assert(task->stop.by_us);
	ck_assert(!arch_call_is_interrupted(task->tid));
	kill(task->tid, SIGKILL);
	finish_with(SIGKILL);
}
END_TEST

static void await_sleep(const struct task *task)
{
	struct proc_stat stat = { .state = 'R' };

	while (*shared == 0 || stat.state != 'S')
		ck_assert_int_eq(proc_stat(task->tid, &stat), 0);
}

/* To be held for a moment is nothing that a program notices; a signal then is. */
START_TEST(interrupted_wait)
{
	struct task *task;

	semaphore = semget(IPC_PRIVATE, 1, 0600);
	ck_assert_int_ge(semaphore, 0);
	begin(wait_for_semaphore);
	task = next_stop(STOP_BIRTH);
	go(task);
	await_sleep(task);
	tracer_interrupt(task);
	ck_assert_ptr_eq(next_stop(STOP_INTERRUPT), task);
	ck_assert(arch_call_is_interrupted(task->tid));
	ck_assert(arch_restart_if_interrupted(task->tid));
	if (_i) {
		kill(task->tid, SIGUSR1);
		go(task);
		task = next_stop(STOP_SIGNAL);
		task->signal = SIGUSR1;
		go(task);
	} else {
		ck_assert_int_eq(semctl(semaphore, 0, SETVAL, 1), 0);
		go(task);
	}
	finish_with(_i ? 2 << 8 : 1 << 8);
	semctl(semaphore, 0, IPC_RMID);
}
END_TEST

/* Held, running, or before its first instruction: SIGKILL ends it, and we hear of it. */
START_TEST(kill_at_any_time)
{
	struct task *task;

	begin(run_thread);
	task = next_stop(STOP_BIRTH);
	if (_i > 0) {
		go(task);
		task = next_stop(_i == 1 ? STOP_FORK : STOP_BIRTH);
	}
	kill(task->process->pid, SIGKILL);
	finish_with(SIGKILL);
}
END_TEST

/* Who is killed inside of clone(2) or fork(2) announces nothing, and its child is there all the
 * same. */
START_TEST(killed_makers)
{
	begin(_i ? kill_makers_of_threads : kill_makers_of_children);
	finish_with(9 << 8);
	ck_assert_uint_ge(born_count, 31);
}
END_TEST

START_TEST(vfork_and_done)
{
	struct task *task;

	begin(start_by_vfork);
	task = next_stop(STOP_FORK);
	ck_assert(task->stop.vfork);
	go(task);
	ck_assert_ptr_eq(next_stop(STOP_VFORK_DONE), task);
	go(task);
	finish_with(6 << 8);
	ck_assert_ptr_eq(born[1]->parent, born[0]);
}
END_TEST

START_TEST(memory)
{
	struct task *task;
	struct arena *arena = arena_new(1 << 20, false);
	static char word[] = "a word that stands here";
	uint64_t address = (uintptr_t)word;
	char copy[sizeof(word)];

	begin(do_nothing);
	task = next_stop(STOP_BIRTH);
	ck_assert(process_read(task->process, address, copy, sizeof(copy)));
	ck_assert_str_eq(copy, word);
	ck_assert(process_write(task->process, address, "A", 1));
	ck_assert_str_eq(process_string(arena, task->process, address, 6), "A word");
	ck_assert_str_eq(process_string(arena, task->process, 8, 6), "");
	ck_assert(!process_read(task->process, 8, copy, 1));
	ck_assert_str_eq(word, "a word that stands here");
	go(task);
	finish_with(7 << 8);
	arena_free(arena);
}
END_TEST

/* A watch on the int shared[3] as an object, wherever it is mapped. */
static struct watch watch_of_shared(const struct process *process)
{
	struct watch watch = { .kind = WATCH_STORES, .size = 4, .offset = 12 };
	struct arena *arena = arena_new(16 << 20, false);
	struct maps maps;

	ck_assert_int_eq(proc_maps(arena, process->pid, &maps), 0);
	watch.device = makedev(maps_at(&maps, (uintptr_t)shared)->major,
			       maps_at(&maps, (uintptr_t)shared)->minor);
	watch.inode = maps_at(&maps, (uintptr_t)shared)->inode;
	arena_free(arena);
	return watch;
}

/* One store at the first address, and one of the child at the second. */
START_TEST(watchpoints)
{
	static struct watch_set set;
	struct watch wanted, *watch;
	struct task *task;
	int hits = 0;

	begin(touch_shared);
	task = next_stop(STOP_BIRTH);
	if (!arch_watch(task->tid, 0, (uintptr_t)&shared[3], 4, ARCH_WATCH_STORES)) {
		kill(task->tid, SIGKILL);
		finish(); /* this machine has none */
		return;
	}
	wanted = watch_of_shared(task->process);
	watch = watch_add(&set, &wanted);
	ck_assert_ptr_nonnull(watch);
	wanted.size = 3;
	ck_assert_ptr_null(watch_add(&set, &wanted));
	while (gone_count < 2) {
		if (task && task->stop.kind == STOP_TRAP) {
			ck_assert_ptr_eq(watch_hit(task), watch);
			ck_assert_int_eq(shared[3], hits++ ? 77 : 1);
		}
		if (task && task->stop.kind == STOP_BIRTH)
			watch_mappings_changed(task->process);
		if (task && task->stop.kind != STOP_EXIT)
			watch_prepare(&set, task);
		if (task)
			go(task);
		task = poll_stop();
	}
	ck_assert_int_eq(hits, 2);
	finish_with(0);
}
END_TEST

Suite *trace_suite(void)
{
	Suite *suite = suite_create("trace");
	TCase *test_case = tcase_create("trace");

	tcase_set_timeout(test_case, 20);
	tcase_add_test(test_case, birth_and_death);
	tcase_add_test(test_case, family);
	tcase_add_test(test_case, calls);
	tcase_add_test(test_case, clone3);
	tcase_add_test(test_case, exec_by_thread);
	tcase_add_test(test_case, threads);
	tcase_add_test(test_case, group_stop);
	tcase_add_loop_test(test_case, signals, 0, 2);
	tcase_add_test(test_case, interrupt);
	tcase_add_loop_test(test_case, interrupted_wait, 0, 2);
	tcase_add_loop_test(test_case, kill_at_any_time, 0, 3);
	tcase_add_loop_test(test_case, killed_makers, 0, 2);
	tcase_add_test(test_case, vfork_and_done);
	tcase_add_test(test_case, memory);
	tcase_add_test(test_case, watchpoints);
	suite_add_tcase(suite, test_case);
	return suite;
}
