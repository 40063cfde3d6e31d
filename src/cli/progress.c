/* progress.c - see progress.h. The line is made of pieces; where they don't fit, the least important go first. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PIECE = 48, BAR = 8, LINE = 512 };

/* The pieces in the order they stand in the line. */
enum piece { EPOCH, STEP, BAR_PIECE, ETA, RATE, REC, KL, TOTAL, ACTIVE, N_PIECES };

/* The order in which pieces are given up; EPOCH and TOTAL stay to the end. */
static const enum piece expendable[] = {STEP, BAR_PIECE, RATE, ACTIVE, KL, REC, ETA};

void progress_open(progress *p, bool quiet)
{
    const char *terminal = getenv("TERM");
    bool dumb = !terminal || strcmp(terminal, "dumb") == 0;
    *p = (progress){.quiet = quiet, .live = !quiet && !dumb && isatty(STDERR_FILENO)};
}

void progress_close(progress *p)
{
    if (p->drawn) fputs("\r\033[K", stderr);
    p->drawn = false;
}

static size_t terminal_width(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* ---- Pieces ---- */

/* "0:42", "1:02:03" */
static void time_text(double seconds, char out[PIECE])
{
    int64_t s = seconds > 0 && seconds < 1e9 ? (int64_t)(seconds + 0.5) : 0, h = s / 3600, m = s / 60 % 60;
    if (h > 0)
        snprintf(out, PIECE, "%" PRId64 ":%02" PRId64 ":%02" PRId64, h, m, s % 60);
    else
        snprintf(out, PIECE, "%" PRId64 ":%02" PRId64, m, s % 60);
}

static void bar_text(int64_t done, int64_t all, char out[PIECE])
{
    int64_t full = all > 0 && done > 0 ? (done < all ? done : all) * BAR / all : 0;
    out[0] = '[';
    for (int i = 0; i < BAR; i++) out[1 + i] = i < full ? '=' : i == full ? '>' : ' ';
    memcpy(out + 1 + BAR, "]", 2);
}

/* A rate with three digits or more: 412, 28.4k, 1.25M. */
static void rate_text(double rate, char out[PIECE])
{
    if (rate >= 1e6)
        snprintf(out, PIECE, "%.2fM examples/s", rate / 1e6);
    else if (rate >= 1e4)
        snprintf(out, PIECE, "%.1fk examples/s", rate / 1e3);
    else
        snprintf(out, PIECE, "%.0f examples/s", rate);
}

static void make_pieces(const elbo_event *e, char piece[N_PIECES][PIECE])
{
    char eta[PIECE];
    time_text(e->eta_seconds, eta);
    snprintf(piece[EPOCH], PIECE, "epoch %" PRId64 "/%" PRId64, e->epoch, e->epochs);
    snprintf(piece[STEP], PIECE, "step %" PRId64 "/%" PRId64, e->step_in_epoch, e->steps_in_epoch);
    bar_text(e->step_in_epoch, e->steps_in_epoch, piece[BAR_PIECE]);
    snprintf(piece[ETA], PIECE, "ETA %.40s", eta);
    rate_text(e->examples_per_second, piece[RATE]);
    snprintf(piece[REC], PIECE, "rec %.2f", e->train.rec);
    snprintf(piece[KL], PIECE, "kl %.2f", e->train.kl);
    snprintf(piece[TOTAL], PIECE, "total %.2f", e->train.total);
    snprintf(piece[ACTIVE], PIECE, "active %" PRId64, e->train.active);
}

/* Blanks pieces until those left, two spaces between them, are shorter than width: in the last column a line may
 * wrap. */
static void fit(char piece[N_PIECES][PIECE], size_t width)
{
    size_t length = 0; /* with two spaces after the last, too */
    for (int i = 0; i < N_PIECES; i++) length += strlen(piece[i]) + 2;
    for (size_t i = 0; i < sizeof expendable / sizeof *expendable && length > width + 1; i++) {
        length -= strlen(piece[expendable[i]]) + 2;
        piece[expendable[i]][0] = '\0';
    }
}

/* ---- Lines ---- */

static void draw(progress *p, const elbo_event *e)
{
    char piece[N_PIECES][PIECE], line[LINE] = "\r";
    size_t width = terminal_width(), n = 1;
    make_pieces(e, piece);
    fit(piece, width);
    for (int i = 0; i < N_PIECES; i++)
        if (piece[i][0]) n += (size_t)snprintf(line + n, sizeof line - n, "%s%s", n > 1 ? "  " : "", piece[i]);
    if (n > width) n = width; /* the \r counts one, so the last column stays free here, too */
    fprintf(stderr, "%.*s\033[K", (int)n, line);
    p->drawn = true;
}

/* ---- The lasting line of an epoch ---- */

/* Its pieces in the order they stand. */
enum epoch_piece { NUMBER, TRAIN, VALID, USED, CHANGED, TIME, SPEED, N_EPOCH_PIECES };
enum { EPOCH_PIECE = 384 };

/* What is given up, in this order, where a terminal is too narrow: losses are cut down to their total first. */
static const struct {
    enum epoch_piece piece;
    bool to_total;
} shorter[] = {{TRAIN, true}, {SPEED, false}, {TIME, false}, {VALID, true}, {USED, false}, {TRAIN, false}};

/* Adds " rec 3.501"; numbers of a run gone wrong stay short. */
static void add_term(char piece[EPOCH_PIECE], const char *name, double value)
{
    size_t n = strlen(piece);
    snprintf(piece + n, EPOCH_PIECE - n, value > -1e6 && value < 1e6 ? " %s %.3f" : " %s %.3g", name, value);
}

/* "train rec 3.501 kl 0.771 total 4.272", and what the family has beside: " perplexity 41.230" */
static void losses_text(const char *part, const elbo_metrics *m, bool total_only, char piece[EPOCH_PIECE])
{
    piece[0] = '\0';
    if (m->count == 0) return;
    snprintf(piece, EPOCH_PIECE, "%s", part);
    if (!total_only) add_term(piece, "rec", m->rec);
    if (!total_only) add_term(piece, "kl", m->kl);
    add_term(piece, "total", m->total);
    for (int64_t i = 0; i < m->n_other && !total_only; i++) add_term(piece, m->other[i].name, m->other[i].value);
}

/* The learning rate and beta where they are others than in the last epoch. */
static void changes_text(const progress *p, const elbo_event *e, char piece[EPOCH_PIECE])
{
    int n = 0;
    piece[0] = '\0';
    if (p->rate > 0 && e->rate != p->rate) n = snprintf(piece, EPOCH_PIECE, "rate %.3g", e->rate);
    if (p->rate > 0 && e->beta != p->beta)
        snprintf(piece + n, EPOCH_PIECE - (size_t)n, "%sbeta %.3g", n ? "  " : "", e->beta);
}

/* The epoch's number is as wide as the last one's will be. */
static void make_epoch_pieces(const progress *p, const elbo_event *e, char piece[N_EPOCH_PIECES][EPOCH_PIECE])
{
    int digits = snprintf(NULL, 0, "%" PRId64, e->epochs);
    snprintf(piece[NUMBER], EPOCH_PIECE, "epoch %*" PRId64 "/%" PRId64, digits, e->epoch, e->epochs);
    losses_text("train", &e->train, false, piece[TRAIN]);
    losses_text("valid", &e->valid, false, piece[VALID]);
    snprintf(piece[USED], EPOCH_PIECE, "active %" PRId64, e->valid.count > 0 ? e->valid.active : e->train.active);
    changes_text(p, e, piece[CHANGED]);
    time_text(e->seconds, piece[TIME]);
    rate_text(e->examples_per_second, piece[SPEED]);
}

/* With two spaces after each piece, the last one too. */
static size_t epoch_length(char piece[N_EPOCH_PIECES][EPOCH_PIECE])
{
    size_t length = 0;
    for (int i = 0; i < N_EPOCH_PIECES; i++) length += piece[i][0] ? strlen(piece[i]) + 2 : 0;
    return length;
}

static void fit_epoch(const elbo_event *e, char piece[N_EPOCH_PIECES][EPOCH_PIECE], size_t width)
{
    for (size_t i = 0; i < sizeof shorter / sizeof *shorter && epoch_length(piece) > width + 1; i++) {
        enum epoch_piece at = shorter[i].piece;
        piece[at][0] = '\0';
        const elbo_metrics *m = at == TRAIN ? &e->train : &e->valid;
        if (shorter[i].to_total) losses_text(at == TRAIN ? "train" : "valid", m, true, piece[at]);
    }
}

static void print_epoch(progress *p, const elbo_event *e)
{
    char piece[N_EPOCH_PIECES][EPOCH_PIECE];
    make_epoch_pieces(p, e, piece);
    if (p->live) fit_epoch(e, piece, terminal_width());
    for (int i = 0; i < N_EPOCH_PIECES; i++)
        if (piece[i][0]) fprintf(stderr, "%s%s", i ? "  " : "", piece[i]);
    fputc('\n', stderr);
    p->rate = e->rate;
    p->beta = e->beta;
}

void progress_event(progress *p, const elbo_event *event)
{
    if (p->quiet) return;
    if (event->kind == ELBO_EVENT_STEP) {
        if (p->live) draw(p, event);
        return;
    }
    progress_close(p);
    if (event->text)
        fprintf(stderr, "%s\n", event->text);
    else
        print_epoch(p, event);
}
