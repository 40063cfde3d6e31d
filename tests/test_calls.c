/* test_calls.c - the system calls of a run, of saving, loading, exporting and reading data, one by one: at the n-th the process
 * is killed, or the call fails, alone or with all after it, or it moves half of the bytes, for n = 1, 2, ... until there is no
 * n-th. What was there before can still be loaded, nothing is torn, a failure names a path, and a run goes on to the bytes of
 * one that nobody disturbed. With the argument "all" every n is tried everywhere; without, every n of saving and loading, and
 * some of the rest. A second argument names the test that is meant, as cmocka's patterns do.
 *
 * The calls are made by the threads of a child, which its parent watches with ptrace; where that is not allowed the tests are
 * skipped. */
/* ctest: slow */
#include "run_rig.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#if defined __linux__ && defined __x86_64__
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#endif

static bool every_n;

/* ---- Faults ---- */

typedef enum fault_kind { KILLED, FAILED, HALVED } fault_kind;

typedef struct fault {
    const char *name;
    fault_kind kind;
    int reason;          /* FAILED: errno */
    bool unseen;         /* must be got over */
    const int *calls;    /* which, the last is -1; NULL: all that have to do with files */
    bool lasting;        /* FAILED: so do all after the n-th */
} fault;

#if defined __linux__ && defined __x86_64__

/* Memory, threads, signals and time: their faults are other tests' business. */
static const int others[] = {SYS_mmap,        SYS_munmap,         SYS_mremap,    SYS_brk,           SYS_mprotect,
                             SYS_madvise,     SYS_futex,          SYS_sysinfo,   SYS_rt_sigaction,  SYS_rt_sigreturn,
                             SYS_rt_sigprocmask, SYS_getpid,      SYS_gettid,    SYS_tgkill,        SYS_exit,
                             SYS_exit_group,  SYS_sched_yield,    SYS_getrandom, SYS_clock_gettime, SYS_sched_getaffinity,
                             SYS_clone3,      SYS_clone,          SYS_rseq,      SYS_set_robust_list, -1};
/* What may need room on a disk, what a signal may interrupt, what moves bytes. */
static const int take_room[] = {SYS_write, SYS_openat, SYS_mkdir, SYS_rename, SYS_fsync, SYS_close, -1};
static const int slow[] = {SYS_write, SYS_read, SYS_pread64, SYS_openat, SYS_fsync, SYS_ftruncate, SYS_close, SYS_flock, -1};
static const int opens[] = {SYS_openat, -1};
static const int moves[] = {SYS_write, SYS_read, SYS_pread64, -1};

static const fault faults[] = {
    {"kill", KILLED, 0, false, NULL, false},
    {"EIO", FAILED, EIO, false, NULL, false},
    {"EIO for good", FAILED, EIO, false, NULL, true},
    {"ENOSPC", FAILED, ENOSPC, false, take_room, false},
    {"ENOSPC for good", FAILED, ENOSPC, false, take_room, true},
    {"EMFILE for good", FAILED, EMFILE, false, opens, true},
    {"EINTR", FAILED, EINTR, true, slow, false},
    {"half", HALVED, 0, true, moves, false},
};
enum { N_FAULTS = sizeof faults / sizeof *faults };

static bool is_in(const int *calls, int call)
{
    while (*calls >= 0 && *calls != call) calls++;
    return *calls >= 0;
}

static bool concerns(const fault *f, const struct user_regs_struct *r)
{
    int call = (int)r->orig_rax;
    if (f->kind == HALVED && r->rdx < 2) return false;
    return f->calls ? is_in(f->calls, call) : !is_in(others, call);
}

/* ---- A child and its calls ---- */

/* What parent and child both see. */
typedef struct shared {
    job job;
    elbo_error error;
    uint64_t sum; /* of what was read */
} shared;

static shared *both;

typedef elbo_status (*action)(elbo_error *error);

/* What became of a child. */
typedef struct outcome {
    bool disturbed;     /* there was an n-th call */
    int call;           /* its number */
    elbo_status status; /* -1: it was killed */
} outcome;

/* A child whose calls, those of all its threads, are counted. */
typedef struct watch {
    const fault *f;
    pid_t child;
    int n, made;
    outcome *o;
} watch;

static bool is_before_its_call(pid_t thread)
{
    struct __ptrace_syscall_info info = {0};
    return ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* Whether there is more to do than to let the child run to its end. */
static bool goes_on_watching(const watch *w)
{
    return !w->o->disturbed || w->f->lasting;
}

/* A call of number -1 is not made: what it returns is said when it is over. */
static bool disturb(const watch *w, pid_t thread, struct user_regs_struct *r)
{
    if (w->f->kind == HALVED) r->rdx /= 2;
    if (w->f->kind == FAILED) r->orig_rax = (unsigned long long)-1;
    if (w->f->kind == KILLED) assert_int_equal(kill(w->child, SIGKILL), 0);
    else assert_int_equal(ptrace(PTRACE_SETREGS, thread, NULL, r), 0);
    return w->f->kind == FAILED || goes_on_watching(w);
}

/* A thread stands before a call or after it. Returns whether its next stop matters. */
static bool at_call(watch *w, pid_t thread)
{
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, thread, NULL, &r)) return true; /* it was killed */
    if (!is_before_its_call(thread)) {
        if (w->f->kind != FAILED || r.orig_rax != (unsigned long long)-1) return goes_on_watching(w);
        r.rax = (unsigned long long)-w->f->reason;
        assert_int_equal(ptrace(PTRACE_SETREGS, thread, NULL, &r), 0);
        return goes_on_watching(w);
    }
    if (!goes_on_watching(w) || !concerns(w->f, &r) || ++w->made < w->n) return goes_on_watching(w);
    if (!w->o->disturbed) w->o->call = (int)r.orig_rax;
    w->o->disturbed = true;
    return disturb(w, thread, &r);
}

/* Follows a child that has stopped itself to its end. Returns how it ended. */
static int follow(watch *w)
{
    int status;
    assert_int_equal(waitpid(w->child, &status, 0), w->child);
    if (!WIFSTOPPED(status)) skip(); /* it may not be watched */
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE;
    assert_int_equal(ptrace(PTRACE_SETOPTIONS, w->child, NULL, options), 0);
    for (pid_t thread = w->child; thread != w->child || WIFSTOPPED(status); thread = waitpid(-1, &status, __WALL)) {
        assert_true(thread > 0);
        if (!WIFSTOPPED(status)) continue;
        bool matters = goes_on_watching(w);
        int signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80)) matters = at_call(w, thread);
        if (signal == (SIGTRAP | 0x80) || signal == SIGSTOP || status >> 16) signal = 0; /* threads begin with a stop */
        if (ptrace(matters ? PTRACE_SYSCALL : PTRACE_CONT, thread, NULL, signal)) assert_int_equal(errno, ESRCH);
    }
    return status;
}

static outcome act_in_child(action act, const fault *f, int n)
{
    both->error = (elbo_error){.code = ELBO_OK};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) _exit(0);
        raise(SIGSTOP);
        _exit((int)act(&both->error));
    }
    outcome o = {.status = ELBO_OK};
    int status = follow(&(watch){.f = f, .child = child, .n = n, .o = &o});
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && f->kind == KILLED && o.disturbed;
    if (!killed && !WIFEXITED(status))
        fail_msg("%s at call %d (%d): the child ended with %x", f->name, n, o.call, (unsigned)status);
    o.status = killed ? (elbo_status)-1 : (elbo_status)WEXITSTATUS(status);
    return o;
}

/* ---- Scenes ---- */

/* Something done in a child, what there is before, and what must be true whatever happened. */
typedef struct scene {
    const char *name;
    void (*before)(void);
    action act;
    void (*after)(const outcome *o);
    bool whole; /* every n always */
} scene;

static int leftovers(const char *directory)
{
    int n = 0;
    DIR *d = opendir(directory);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) n += strstr(e->d_name, ".tmp") != NULL;
    if (d) closedir(d);
    return n;
}

static void check_outcome(const scene *s, const fault *f, int n, const outcome *o)
{
    const char *message = both->error.message;
    bool met = f->kind == KILLED ? (int)o->status == -1 : o->status == ELBO_OK || (!f->unseen && o->status == ELBO_IO);
    if (!met) fail_msg("%s: %s at call %d (%d) gives %d: %s", s->name, f->name, n, o->call, (int)o->status, message);
    if (o->status == ELBO_IO && !strchr(message, '\''))
        fail_msg("%s: %s at call %d (%d) names no path: %s", s->name, f->name, n, o->call, message);
    bool may_remove = o->call != SYS_unlink && (!f->lasting || f->calls);
    if (f->kind != KILLED && may_remove && leftovers("parts") + leftovers("parts/pictures") > 0)
        fail_msg("%s: %s at call %d (%d) leaves something half written", s->name, f->name, n, o->call);
}

static int next_n(const scene *s, int n)
{
    return every_n || s->whole ? n + 1 : n + 1 + n / 2;
}

static void play(const scene *s)
{
    for (int i = 0; i < N_FAULTS; i++) {
        int tried = 0, failed = 0;
        outcome o = {.disturbed = true};
        for (int n = 1; o.disturbed; n = next_n(s, n)) {
            s->before();
            o = act_in_child(s->act, &faults[i], n);
            if (!o.disturbed) {
                assert_int_equal(o.status, ELBO_OK);
                break;
            }
            check_outcome(s, &faults[i], n, &o);
            s->after(&o);
            tried++;
            failed += o.status != ELBO_OK;
        }
        print_message("%s: %s at %d calls, %d of them its end\n", s->name, faults[i].name, tried, failed);
        assert_true(tried > 0);
    }
}

/* ---- A run ---- */

static elbo_status act_run(elbo_error *error)
{
    elbo_status status = run(&both->job);
    *error = both->job.error;
    return status;
}

static void nothing_yet(void)
{
    remove_run("parts");
    both->job = new_job("parts");
}

/* Whatever is there goes on to the bytes of a run that nobody disturbed. */
static void goes_on(const outcome *o)
{
    job j = new_job("parts");
    if (o->status == ELBO_OK) assert_same_run("whole", "parts");
    j.resume = file_exists("parts/config.toml");
    assert_run(&j, ELBO_OK);
    assert_same_run("whole", "parts");
}

static void half_a_run(void)
{
    remove_run("parts");
    assert_int_equal(system("cp -r half parts"), 0);
    both->job = new_job("parts");
    both->job.resume = 1;
}

static void loads_and_goes_on(const outcome *o)
{
    elbo_error error = {0};
    elbo_model *m = elbo_model_load(engine, "parts", &error);
    if (!m) fail_msg("%s", error.message);
    elbo_model_free(m);
    goes_on(o);
}

static void test_run(void **state)
{
    (void)state;
    play(&(scene){"run", nothing_yet, act_run, goes_on, false});
    play(&(scene){"resume", half_a_run, act_run, loads_and_goes_on, false});
}

/* ---- Models ---- */

static elbo_model *model;

static elbo_status act_save(elbo_error *error)
{
    return elbo_model_save(model, "parts/model", error);
}

static void an_older_file(void)
{
    copy_file("half/best.safetensors", "parts/model");
}

static void old_or_new(const outcome *o)
{
    bool is_new = equal_files("parts/model", "whole/best.safetensors");
    assert_true(is_new || (o->status != ELBO_OK && equal_files("parts/model", "half/best.safetensors")));
    remove_run("parts");
    assert_int_equal(mkdir("parts", 0777), 0);
}

static void test_save(void **state)
{
    (void)state;
    nothing_yet();
    assert_int_equal(mkdir("parts", 0777), 0);
    play(&(scene){"save", an_older_file, act_save, old_or_new, true});
}

/* Notes what was read, for the parent to compare. */
static void add(const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) both->sum = (both->sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
}

static elbo_status act_load(elbo_error *error)
{
    float x[4 * SIZE];
    elbo_model *m = elbo_model_load(engine, "whole", error);
    if (!m) return error->code;
    elbo_status status = elbo_model_sample(m, 4, 1, x, error);
    add(x, sizeof x);
    elbo_model_free(m);
    return status;
}

static uint64_t expected;

static void read_nothing(void)
{
    both->sum = 1;
}

static void read_all_or_failed(const outcome *o)
{
    if (o->status == ELBO_OK && both->sum != expected) fail_msg("call %d went wrong unseen", o->call);
}

/* What is read must be what is read undisturbed. */
static void play_reading(const char *name, action act, bool whole)
{
    elbo_error error = {0};
    read_nothing();
    if (act(&error) != ELBO_OK) fail_msg("%s", error.message);
    expected = both->sum;
    play(&(scene){name, read_nothing, act, read_all_or_failed, whole});
}

static void test_load(void **state)
{
    (void)state;
    play_reading("load", act_load, true);
}

/* ---- Exports ---- */

static const char *const exports[] = {"grid.png", "x.npy", "points.svg", "page.html"};
enum { N_EXPORTS = 4 };

static elbo_status export_to(const char *directory, elbo_error *error)
{
    static float x[4 * SIZE];
    const int64_t sizes[] = {SIDE, SIDE, 1};
    elbo_scatter points = {.points = x, .n = 2 * SIZE};
    for (int i = 0; i < 4 * SIZE; i++) x[i] = (float)(i * 37 % 101) / 101;
    elbo_status status = elbo_png_write_grid(engine, in(directory, exports[0]), x, 4, sizes, 2, 0, 1, error);
    if (status == ELBO_OK) status = elbo_npy_write(engine, in(directory, exports[1]), x, sizes, 3, error);
    if (status == ELBO_OK)
        status = elbo_chart_write_scatter(engine, in(directory, exports[2]), NULL, &points, 1, 0, NULL, error);
    return status == ELBO_OK ? elbo_report_write(engine, "whole", NULL, in(directory, exports[3]), error) : status;
}

static elbo_status act_export(elbo_error *error)
{
    return export_to("parts", error);
}

static void older_exports(void)
{
    for (int i = 0; i < N_EXPORTS; i++) put(in("parts", exports[i]), "old", 3);
}

static void exported_or_old(const outcome *o)
{
    put("old", "old", 3);
    for (int i = 0; i < N_EXPORTS; i++) {
        bool is_new = equal_files(in("exports", exports[i]), in("parts", exports[i]));
        assert_true(is_new || (o->status != ELBO_OK && equal_files(in("parts", exports[i]), "old")));
    }
    remove_run("parts");
    assert_int_equal(mkdir("parts", 0777), 0);
}

static void test_export(void **state)
{
    (void)state;
    elbo_error error = {0};
    nothing_yet();
    assert_true(mkdir("parts", 0777) == 0 && mkdir("exports", 0777) == 0);
    if (export_to("exports", &error) != ELBO_OK) fail_msg("%s", error.message);
    play(&(scene){"export", older_exports, act_export, exported_or_old, false});
}

/* ---- Data ---- */

static const char *data_name;

static elbo_status act_data(elbo_error *error)
{
    elbo_status status = ELBO_OK;
    elbo_data *d = elbo_data_open(engine, data_name, "all", error);
    if (!d) return error->code;
    const elbo_data_info *info = elbo_data_describe(d);
    size_t size = (size_t)(info->shape[0] * info->shape[1] * info->shape[2]);
    float *x = calloc(size, sizeof *x);
    add(&info->count, sizeof info->count);
    for (int64_t i = 0; x && i < info->count && status == ELBO_OK; i++) {
        int32_t label;
        status = elbo_data_read(d, &i, 1, x, &label, error);
        add(x, size * sizeof *x);
        add(&label, sizeof label);
    }
    free(x);
    elbo_data_free(d);
    return status;
}

static void make_data(void)
{
    static const char table[] = "a,b\n1,red\n2,blue\n3,red\n4,blue\n";
    const int64_t sizes[] = {SIDE, SIDE, 1};
    float x[4 * SIZE] = {0};
    elbo_error error = {0};
    assert_int_equal(system("mkdir -p data/set/a data/set/b"), 0);
    const char *const pictures[] = {"data/set/a/1.png", "data/set/a/2.png", "data/set/b/3.png"};
    for (int i = 0; i < 3; i++) {
        x[i] = 1;
        assert_int_equal(elbo_png_write_grid(engine, pictures[i], x, 1, sizes, 1, 0, 1, &error), ELBO_OK);
    }
    assert_int_equal(elbo_npy_write(engine, "data/x.npy", x, (const int64_t[]){4, SIDE, SIDE}, 3, &error), ELBO_OK);
    put("data/t.csv", table, sizeof table - 1);
    assert_int_equal(system("tar -cf data/set.tar -C data set && gzip -k data/set.tar data/x.npy"), 0);
}

static void test_data(void **state)
{
    (void)state;
    static const char *const names[] = {"data/set", "data/x.npy.gz", "data/t.csv", "data/set.tar", "data/set.tar.gz"};
    make_data();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) play_reading(data_name = names[i], act_data, false);
}

/* ---- */

static int prepare(void **state)
{
    (void)state;
    job whole = new_job("whole"), half = new_job("half");
    both = mmap(NULL, sizeof *both, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (both == MAP_FAILED) return 1;
    engine->own_products = true; /* a library that is opened again in each child takes its time */
    half.options[0][0] = "epochs";
    half.options[0][1] = "1";
    if (run(&whole) != ELBO_OK || run(&half) != ELBO_OK) return 1;
    model = elbo_model_load(engine, "whole", NULL);
    return model == NULL;
}

static int clean_up(void **state)
{
    (void)state;
    elbo_model_free(model);
    return munmap(both, sizeof *both);
}

static int all_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_save), cmocka_unit_test(test_load), cmocka_unit_test(test_export),
        cmocka_unit_test(test_data), cmocka_unit_test(test_run),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}

int main(int argc, char **argv)
{
    every_n = argc > 1 && strcmp(argv[1], "all") == 0;
    if (argc > 2) cmocka_set_test_filter(argv[2]);
    return run_in_a_directory("test_calls", all_tests);
}

#else

int main(void)
{
    return 0; /* how to follow and change a system call is known for one kind of machine */
}

#endif
