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
        snprintf(out, PIECE, "%.2fM images/s", rate / 1e6);
    else if (rate >= 1e4)
        snprintf(out, PIECE, "%.1fk images/s", rate / 1e3);
    else
        snprintf(out, PIECE, "%.0f images/s", rate);
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

/* " rec 3.501"; numbers of a run gone wrong stay short. */
static void print_term(const char *name, double value)
{
    fprintf(stderr, value > -1e6 && value < 1e6 ? " %s %.3f" : " %s %.3g", name, value);
}

/* "  train rec 3.501 kl 0.771 total 4.272", and what the family has beside: " perplexity 41.230" */
static void print_losses(const char *part, const elbo_metrics *m)
{
    fprintf(stderr, "  %s", part);
    print_term("rec", m->rec);
    print_term("kl", m->kl);
    print_term("total", m->total);
    for (int64_t i = 0; i < m->n_other; i++) print_term(m->other[i].name, m->other[i].value);
}

/* The lasting line of an epoch, in columns as wide as the numbers of a long run need; the learning rate and beta where they
 * changed. */
static void print_epoch(progress *p, const elbo_event *e)
{
    char elapsed[PIECE], rate[PIECE];
    const elbo_metrics *v = e->valid.count > 0 ? &e->valid : NULL;
    int digits = snprintf(NULL, 0, "%" PRId64, e->epochs);
    time_text(e->seconds, elapsed);
    rate_text(e->examples_per_second, rate);
    fprintf(stderr, "epoch %*" PRId64 "/%" PRId64, digits, e->epoch, e->epochs);
    print_losses("train", &e->train);
    if (v) print_losses("valid", v);
    fprintf(stderr, "  active %" PRId64 "", v ? v->active : e->train.active);
    if (p->rate > 0 && e->rate != p->rate) fprintf(stderr, "  rate %.3g", e->rate);
    if (p->rate > 0 && e->beta != p->beta) fprintf(stderr, "  beta %.3g", e->beta);
    fprintf(stderr, "  %s  %s\n", elapsed, rate);
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
