/* amat.c - the text format of binarised MNIST (Larochelle's .amat files): a line for each picture, its bits 0 and 1 apart by
 * single blanks. A square number of bits is a square picture, as 784 are 28 x 28; another number is a row. Text that only
 * begins so is read as a table. */
#include "table.h"

#include <string.h>

enum { MAX_TEXT = 1 << 30, LEAST_SIDE = 4 };

bool amat_begins(const unsigned char *head)
{
    for (int i = 0; i < GZ_HEAD; i++)
        if (i % 2 ? head[i] != ' ' : head[i] != '0' && head[i] != '1') return false;
    return true;
}

static bool is_bit(unsigned char c)
{
    return c == '0' || c == '1';
}

/* The bits of a line [s,end), which has one blank at its end at most; -1: it is not such a line. */
static int64_t bits_in_line(const unsigned char *s, const unsigned char *end)
{
    while (end > s && (end[-1] == '\r' || end[-1] == ' ')) end--;
    for (const unsigned char *at = s; at < end; at++)
        if ((at - s) % 2 ? *at != ' ' : !is_bit(*at)) return -1;
    return end == s ? 0 : (end - s + 1) / 2;
}

static const unsigned char *end_of_line(const unsigned char *s, const unsigned char *end)
{
    const unsigned char *newline = memchr(s, '\n', (size_t)(end - s));
    return newline ? newline : end;
}

/* Whether all lines have as many bits as the first: *n of them, *rows times. Empty lines at the end do not count. */
static bool measure(const unsigned char *s, const unsigned char *end, int64_t *n, int64_t *rows)
{
    *n = *rows = 0;
    bool ended = false;
    for (const unsigned char *line_end; s < end; s = line_end + 1) {
        line_end = end_of_line(s, end);
        int64_t bits = bits_in_line(s, line_end);
        if (bits < 0 || (bits > 0 && (ended || (*n > 0 && bits != *n)))) return false;
        ended = bits == 0;
        if (bits > 0) *n = bits;
        *rows += bits > 0;
    }
    return *n > 0;
}

static int64_t side_of(int64_t n)
{
    int64_t side = 1;
    while (side * side < n) side++;
    return side * side == n && side >= LEAST_SIDE ? side : 0;
}

static elbo_status fill(memory m, const unsigned char *s, const unsigned char *end, int64_t n, int64_t rows, array *out,
                        elbo_error *error)
{
    int64_t side = side_of(n);
    *out = (array){.m = m, .dtype = ELBO_U8, .count = rows, .shape = {side ? side : 1, side ? side : 1, side ? 1 : n}};
    unsigned char *to = out->values = mem_new(m, (size_t)rows, (size_t)n);
    if (!to) return err_memory(error, "the bits of a file");
    for (; s < end; s++)
        if (is_bit(*s)) *to++ = *s == '1' ? 255 : 0;
    return ELBO_OK;
}

elbo_status amat_load(gz *g, const reading *how, array *out, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    int64_t n, rows;
    elbo_status status = gz_read_all(g, MAX_TEXT, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    bool bits = !how->like && measure(bytes, bytes + size, &n, &rows);
    status = bits ? fill(gz_memory(g), bytes, bytes + size, n, rows, out, error) : table_read(g, bytes, size, how, out, error);
    mem_free(gz_memory(g), bytes);
    return status;
}
