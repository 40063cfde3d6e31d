/* readers.c - see readers.h. A slot belongs to whoever changed its state last: WAITING and DONE to the taker, BUSY to a
 * reader. All changes are made under the lock, the fetching and copying outside it. */
#include "readers.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SLOTS = 512, FEWEST_SLOTS = 8, STACK = 2 * 1024 * 1024 };
enum { SLOT_BYTES = 64 * 1024 * 1024 }; /* what the slots may hold together, where there are more than the fewest */

typedef enum slot_state { FREE, WAITING, BUSY, DONE, FAILED } slot_state;

typedef struct slot {
    int64_t index;
    uint64_t turn; /* counts announcements */
    slot_state state;
} slot;

typedef struct reader {
    readers *r;
    int number;
    pthread_t thread;
} reader;

struct readers {
    memory m;
    readers_fetch fetch;
    void *user;
    size_t item_bytes, n_slots;
    slot *slots;
    unsigned char *items; /* [n_slots, item_bytes] */
    uint64_t turn;
    pthread_mutex_t lock;
    pthread_cond_t announced, fetched;
    pid_t process;
    bool stop;
    int threads, running;
    reader *readers;
};

/* ---- Slots; the lock is held ---- */

static slot *find_slot(readers *r, int64_t index)
{
    for (size_t i = 0; i < r->n_slots; i++)
        if (r->slots[i].state != FREE && r->slots[i].index == index) return &r->slots[i];
    return NULL;
}

static slot *first_waiting(readers *r)
{
    slot *first = NULL;
    for (slot *s = r->slots; s < r->slots + r->n_slots; s++)
        if (s->state == WAITING && (!first || s->turn < first->turn)) first = s;
    return first;
}

/* A free slot, or that of the oldest announcement before `since`. */
static slot *room_for_one(readers *r, uint64_t since)
{
    slot *oldest = NULL;
    for (slot *s = r->slots; s < r->slots + r->n_slots; s++) {
        if (s->state == FREE) return s;
        if (s->state != BUSY && s->turn < since && (!oldest || s->turn < oldest->turn)) oldest = s;
    }
    return oldest;
}

static void *item_of(const readers *r, const slot *s)
{
    return r->items + (size_t)(s - r->slots) * r->item_bytes;
}

/* ---- Threads ---- */

static void *work(void *arg)
{
    const reader *self = arg;
    readers *r = self->r;
    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        slot *s = first_waiting(r);
        if (!s) {
            pthread_cond_wait(&r->announced, &r->lock);
            continue;
        }
        s->state = BUSY;
        int64_t index = s->index;
        pthread_mutex_unlock(&r->lock);
        elbo_status status = r->fetch(r->user, self->number, index, item_of(r, s), NULL);
        pthread_mutex_lock(&r->lock);
        s->state = status == ELBO_OK ? DONE : FAILED;
        pthread_cond_signal(&r->fetched);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Signals are the business of the program's threads: the readers take none. */
static void start_threads(readers *r)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr)) return;
    pthread_attr_setstacksize(&attr, STACK);
    sigset_t all, own;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &own);
    while (r->running < r->threads) {
        reader *one = &r->readers[r->running];
        *one = (reader){.r = r, .number = r->running};
        if (pthread_create(&one->thread, &attr, work, one)) break;
        r->running++;
    }
    pthread_sigmask(SIG_SETMASK, &own, NULL);
    pthread_attr_destroy(&attr);
}

/* In the child of a fork the threads are gone, with the lock one may hold and the slots they were at. */
static bool in_child(readers *r)
{
    if (r->process == getpid()) return r->running == 0;
    r->running = 0;
    return true;
}

/* ---- Life ---- */

static size_t slots_for(size_t item_bytes)
{
    size_t n = SLOT_BYTES / (item_bytes ? item_bytes : 1);
    return n < FEWEST_SLOTS ? FEWEST_SLOTS : n > MOST_SLOTS ? MOST_SLOTS : n;
}

elbo_status readers_open(readers **out, memory m, int threads, size_t item_bytes, readers_fetch fetch, void *user,
                         elbo_error *error)
{
    readers *r = mem_new(m, 1, sizeof *r);
    if (!r) return err_memory(error, "readers of data");
    *r = (readers){.m = m, .fetch = fetch, .user = user, .item_bytes = item_bytes, .threads = threads};
    r->n_slots = threads > 0 ? slots_for(item_bytes) : 0;
    r->process = getpid();
    r->slots = mem_new(m, r->n_slots, sizeof *r->slots);
    r->items = mem_new(m, r->n_slots, item_bytes);
    r->readers = mem_new(m, (size_t)threads, sizeof *r->readers);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->announced, NULL);
    pthread_cond_init(&r->fetched, NULL);
    if (!r->slots || !r->items || !r->readers) {
        readers_close(r);
        return err_memory(error, "readers of data");
    }
    start_threads(r);
    *out = r;
    return ELBO_OK;
}

void readers_close(readers *r)
{
    if (!r) return;
    if (r->process == getpid()) {
        pthread_mutex_lock(&r->lock);
        r->stop = true;
        pthread_cond_broadcast(&r->announced);
        pthread_mutex_unlock(&r->lock);
        for (int i = 0; i < r->running; i++) pthread_join(r->readers[i].thread, NULL);
        pthread_mutex_destroy(&r->lock);
        pthread_cond_destroy(&r->announced);
        pthread_cond_destroy(&r->fetched);
    }
    mem_free(r->m, r->slots);
    mem_free(r->m, r->items);
    mem_free(r->m, r->readers);
    mem_free(r->m, r);
}

/* ---- Announcing and taking ---- */

void readers_announce(readers *r, const int64_t *index, int64_t n)
{
    if (in_child(r)) return;
    pthread_mutex_lock(&r->lock);
    uint64_t since = r->turn;
    for (int64_t i = 0; i < n; i++) {
        slot *s = find_slot(r, index[i]);
        if (!s && (s = room_for_one(r, since)) != NULL) *s = (slot){.index = index[i], .state = WAITING};
        if (!s) break;
        s->turn = r->turn++;
    }
    pthread_cond_broadcast(&r->announced);
    pthread_mutex_unlock(&r->lock);
}

elbo_status readers_take(readers *r, int64_t index, void *out, elbo_error *error)
{
    if (in_child(r)) return r->fetch(r->user, r->threads, index, out, error);
    pthread_mutex_lock(&r->lock);
    slot *s = find_slot(r, index);
    while (s && s->state == BUSY) pthread_cond_wait(&r->fetched, &r->lock);
    bool done = s && s->state == DONE;
    if (s && !done) s->state = FREE;
    pthread_mutex_unlock(&r->lock);
    if (!done) return r->fetch(r->user, r->threads, index, out, error);
    memcpy(out, item_of(r, s), r->item_bytes);
    pthread_mutex_lock(&r->lock);
    s->state = FREE;
    pthread_mutex_unlock(&r->lock);
    return ELBO_OK;
}
