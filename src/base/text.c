/* text.c - see text.h
 *
 * printf and strtod write and read numbers as the locale of the program that uses the library says. Both are called
 * here with the C locale set for the calling thread alone, and the thread's own put back right after. */
#include "text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined __APPLE__
#include <xlocale.h>
#endif

enum { FIRST_ROOM = 64, WORD_MAX = 63 };

/* ---- Numbers as the C locale has them ---- */

typedef struct locale_pair {
    locale_t c, own;
} locale_pair;

static bool enter_c_locale(locale_pair *l)
{
    l->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!l->c) return false;
    l->own = uselocale(l->c);
    return true;
}

static void leave_c_locale(const locale_pair *l)
{
    uselocale(l->own);
    freelocale(l->c);
}

/* ---- Growing text ---- */

void text_open(text *t, memory m)
{
    *t = (text){.m = m};
}

/* Makes room for extra more bytes and the zero at the end. */
static bool reserve(text *t, size_t extra)
{
    size_t need;
    if (t->failed || !size_add(t->length, extra, &need) || !size_add(need, 1, &need)) return !(t->failed = true);
    if (need <= t->room) return true;
    size_t room = t->room < FIRST_ROOM ? FIRST_ROOM : t->room;
    while (room < need) room = room > SIZE_MAX / 2 ? need : room * 2;
    char *grown = mem_resize(t->m, t->bytes, room, 1);
    if (!grown) return !(t->failed = true);
    t->bytes = grown;
    t->room = room;
    return true;
}

static void add_formatted(text *t, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n < 0) t->failed = true;
    else if (reserve(t, (size_t)n)) {
        vsnprintf(t->bytes + t->length, (size_t)n + 1, format, again);
        t->length += (size_t)n;
    }
    va_end(again);
}

void text_add(text *t, const char *format, ...)
{
    locale_pair l;
    if (!enter_c_locale(&l)) {
        t->failed = true;
        return;
    }
    va_list args;
    va_start(args, format);
    add_formatted(t, format, args);
    va_end(args);
    leave_c_locale(&l);
}

void text_add_bytes(text *t, const void *bytes, size_t n)
{
    if (!reserve(t, n)) return;
    if (n) memcpy(t->bytes + t->length, bytes, n);
    t->length += n;
    t->bytes[t->length] = 0;
}

void text_close(text *t)
{
    mem_free(t->m, t->bytes);
    text_open(t, t->m);
}

char *text_take(text *t)
{
    text_add_bytes(t, "", 0);
    if (t->failed) mem_free(t->m, t->bytes);
    char *bytes = t->failed ? NULL : t->bytes;
    text_open(t, t->m);
    return bytes;
}

/* ---- Reading numbers ---- */

static const char *skip_spaces(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

static const char *skip_sign(const char *s)
{
    return s + (*s == '+' || *s == '-');
}

static size_t count_digits(const char *s)
{
    return strspn(s, "0123456789");
}

bool text_to_int(const char *s, int64_t *out)
{
    s = skip_spaces(s);
    bool negative = *s == '-';
    s = skip_sign(s);
    size_t n = count_digits(s);
    if (n == 0 || *skip_spaces(s + n)) return false;
    int64_t value = 0; /* kept negative, where the range reaches further */
    for (size_t i = 0; i < n; i++) {
        int digit = s[i] - '0';
        if (value < (INT64_MIN + digit) / 10) return false;
        value = value * 10 - digit;
    }
    if (!negative && value == INT64_MIN) return false;
    *out = negative ? value : -value;
    return true;
}

/* The end of "digits [. digits] [e digits]" with a sign before either part, NULL when s does not begin so. */
static const char *end_of_real(const char *s)
{
    s = skip_sign(s);
    size_t whole = count_digits(s), fraction = 0;
    s += whole;
    if (*s == '.') {
        fraction = count_digits(s + 1);
        s += 1 + fraction;
    }
    if (whole + fraction == 0) return NULL;
    if (*s != 'e' && *s != 'E') return s;
    s = skip_sign(s + 1);
    size_t exponent = count_digits(s);
    return exponent ? s + exponent : NULL;
}

/* Most numbers: at most 2^53 as a whole number, times a power of ten that a double holds exactly, so there is one rounding
 * (Clinger 1990). False where it is not so. */
static bool read_short(const char *s, const char *end, double *out)
{
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool negative = *s == '-', fraction = false;
    uint64_t whole = 0;
    int64_t exponent = 0, power = 0;
    for (s = skip_sign(s); s < end && *s != 'e' && *s != 'E'; s++) {
        if (*s == '.') {
            fraction = true;
            continue;
        }
        if (whole > ((uint64_t)1 << 53) / 10 - 1) return false;
        whole = 10 * whole + (uint64_t)(*s - '0');
        exponent -= fraction;
    }
    bool down = s < end && s[1] == '-';
    for (s = s < end ? skip_sign(s + 1) : end; s < end && power < 1000; s++) power = 10 * power + (*s - '0');
    exponent += down ? -power : power;
    if (exponent < -22 || exponent > 22) return false;
    double value = exponent < 0 ? (double)whole / ten[-exponent] : (double)whole * ten[exponent];
    *out = negative ? -value : value;
    return true;
}

bool text_to_real(const char *s, double *out)
{
    s = skip_spaces(s);
    const char *end = end_of_real(s);
    locale_pair l;
    if (!end || *skip_spaces(end)) return false;
    if (read_short(s, end, out)) return true;
    if (!enter_c_locale(&l)) return false;
    double value = strtod(s, NULL);
    leave_c_locale(&l);
    if (!isfinite(value)) return false;
    *out = value;
    return true;
}

/* ---- Text of strangers ---- */

bool text_is_control(const char *s)
{
    unsigned char c = (unsigned char)s[0];
    return (c > 0 && c < ' ') || c == 0x7f || (c == 0xc2 && ((unsigned char)s[1] & 0xe0) == 0x80);
}

bool text_next_word(const char **list, char delimiter, char *out, size_t size)
{
    const char *s = *list;
    if (!s || !*s) return false;
    size_t n = strcspn(s, (char[]){delimiter, 0});
    *list = s[n] ? s + n + 1 : s + n;
    while (n > 0 && *s == ' ') s++, n--;
    while (n > 0 && s[n - 1] == ' ') n--;
    snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), s);
    return true;
}

bool text_is_plain(const char *s)
{
    if (!text_is_utf8(s)) return false;
    for (; *s; s++)
        if (text_is_control(s) && *s != '\t' && *s != '\n' && !(s[0] == '\r' && s[1] == '\n')) return false;
    return true;
}

void text_disarm(char *s)
{
    for (; *s; s++)
        if (text_is_control(s)) {
            if ((unsigned char)*s == 0xc2) *s++ = '?';
            *s = '?';
        }
}

/* ---- Writing numbers ---- */

/* The fewest digits from which reading gives the same number, as a float or as a double. */
static void write_number(double value, bool single, char out[32])
{
    locale_pair l;
    *out = 0;
    if (!enter_c_locale(&l)) return;
    int most = single ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    bool whole = fabs(value) < (single ? 1e8 : 1e15) && trunc(value) == value;
    for (int digits = whole ? most : 1; digits <= most; digits++) {
        snprintf(out, 32, "%.*g", digits, value);
        if (single ? strtof(out, NULL) == (float)value : strtod(out, NULL) == value) break;
    }
    leave_c_locale(&l);
}

void text_from_real(double value, char out[32])
{
    write_number(value, false, out);
}

void text_from_float(float value, char out[32])
{
    write_number((double)value, true, out);
}

/* ---- Characters ---- */

/* The length of the character at s; 0: it is none. */
static size_t utf8_length(const unsigned char *s)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (*s < 0x80) return 1;
    size_t n = *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : 2;
    if (*s < 0xc2 || *s > 0xf4) return 0;
    unsigned code = *s & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    return code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : n;
}

bool text_is_utf8(const char *s)
{
    const unsigned char *at = (const unsigned char *)s;
    for (size_t n; *at; at += n)
        if ((n = utf8_length(at)) == 0) return false;
    return true;
}

/* ---- The nearest word ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance (optimal string alignment: insert, delete, replace, swap neighbours) of two words of at most WORD_MAX
 * bytes. Three rows of the table are kept: row i mod 3 is the one for the first i bytes of a. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= n_b; j++) rows[0][j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return rows[n_a % 3][n_b];
}

const char *text_nearest(const char *word, const char *(*candidate)(size_t i))
{
    size_t n = strlen(word);
    if (n > WORD_MAX) return NULL;
    const char *best = NULL, *c;
    size_t best_distance = (n < 3 ? 1 : n / 3) + 1;
    for (size_t i = 0; (c = candidate(i)); i++) {
        size_t n_c = strlen(c);
        if (n_c > WORD_MAX) continue;
        size_t d = distance(word, n, c, n_c);
        if (d < best_distance) {
            best_distance = d;
            best = c;
        }
    }
    return best;
}
