/* picture_jpeg.c - JPEG, decoded by libjpeg; a build without it says so.
 *
 * libjpeg reports errors by calling on_error, which jumps. What must survive a jump lives in the reader, and only
 * read_rows lies between the setjmp and its jumps. Its warnings mean that data are missing or make no sense, but for
 * a few that are about harmless extras; decoding goes on with grey then, which here makes the picture broken. */
#include "picture.h"

#if defined ELBO_HAVE_JPEG

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

typedef struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    stream *s;
    fit *f;
    elbo_error *error;
    elbo_status status; /* set before a jump, or by read_rows */
} reader;

static void leave_with(reader *r, elbo_status status)
{
    r->status = status;
    longjmp(r->out, 1);
}

static void on_error(j_common_ptr jpeg)
{
    reader *r = jpeg->client_data;
    char reason[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, reason);
    leave_with(r, jpeg->err->msg_code == JERR_OUT_OF_MEMORY
                      ? err_memory(r->error, "decoding a JPEG")
                      : err_set(r->error, ELBO_BAD_FILE, "broken JPEG: %s", reason));
}

static void on_message(j_common_ptr jpeg, int level)
{
    int code = jpeg->err->msg_code;
    bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM;
    if (level < 0 && !harmless) on_error(jpeg);
}

static void on_output(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* ---- Bytes ---- */

static void on_start(j_decompress_ptr jpeg)
{
    const reader *r = jpeg->client_data;
    jpeg->src->next_input_byte = r->s->next;
    jpeg->src->bytes_in_buffer = (size_t)(r->s->end - r->s->next);
}

static boolean on_fill(j_decompress_ptr jpeg)
{
    reader *r = jpeg->client_data;
    if (!stream_refill(r->s)) leave_with(r, picture_cut(r->s, r->error));
    on_start(jpeg);
    return TRUE;
}

static void on_skip(j_decompress_ptr jpeg, long n)
{
    reader *r = jpeg->client_data;
    r->s->next = r->s->end - jpeg->src->bytes_in_buffer;
    if (!stream_skip(r->s, (uint64_t)n)) leave_with(r, picture_cut(r->s, r->error));
    on_start(jpeg);
}

static void on_end(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

static void on_progress(j_common_ptr jpeg)
{
    reader *r = jpeg->client_data;
    if (r->jpeg.input_scan_number > PICTURE_SCANS)
        leave_with(r, err_set(r->error, ELBO_BAD_FILE, "a JPEG of more than %d scans", PICTURE_SCANS));
}

/* ---- Pictures ---- */

/* Colours of ink, which Adobe's programs store inverted. */
static void from_cmyk(unsigned char *row, int width, bool inverted)
{
    const unsigned char *from = row;
    for (int i = 0; i < width; i++, from += 4) {
        int light = inverted ? from[3] : 255 - from[3];
        for (int c = 0; c < 3; c++)
            *row++ = (unsigned char)(((inverted ? from[c] : 255 - from[c]) * light + 127) / 255);
    }
}

static J_COLOR_SPACE wanted_colours(J_COLOR_SPACE stored)
{
    if (stored == JCS_GRAYSCALE) return JCS_GRAYSCALE;
    return stored == JCS_CMYK || stored == JCS_YCCK ? JCS_CMYK : JCS_RGB;
}

static elbo_status begin(reader *r)
{
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    jpeg_read_header(jpeg, TRUE);
    jpeg->out_color_space = wanted_colours(jpeg->jpeg_color_space);
    jpeg->dct_method = JDCT_ISLOW;
    elbo_status status = fit_begin(r->f, jpeg->image_width, jpeg->image_height,
                                   jpeg->out_color_space == JCS_GRAYSCALE ? 1 : 3, r->s->size, r->error);
    uint64_t pixels = (uint64_t)jpeg->image_width * jpeg->image_height;
    if (status == ELBO_OK && jpeg_has_multiple_scans(jpeg) && pixels > PICTURE_WHOLE)
        status = err_set(r->error, ELBO_BAD_FILE, "a progressive JPEG of %u x %u; at most %d pixels can be read",
                         jpeg->image_width, jpeg->image_height, PICTURE_WHOLE);
    return status;
}

static void read_rows(reader *r)
{
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    r->status = begin(r);
    if (r->status != ELBO_OK || r->f->measure) return;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = r->f->row;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (jpeg->out_color_space == JCS_CMYK) from_cmyk(row, r->f->width, jpeg->saw_Adobe_marker);
        fit_row(r->f, row);
    }
    jpeg_finish_decompress(jpeg);
}

static void read_guarded(reader *r)
{
    if (setjmp(r->out)) return;
    jpeg_create_decompress(&r->jpeg);
    r->jpeg.src = &r->source;
    r->jpeg.progress = &r->progress;
    read_rows(r);
}

elbo_status jpeg_decode(stream *s, fit *f, elbo_error *error)
{
    reader r = {.s = s, .f = f, .error = error};
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.jpeg.client_data = &r;
    r.errors.error_exit = on_error;
    r.errors.emit_message = on_message;
    r.errors.output_message = on_output;
    r.source = (struct jpeg_source_mgr){.init_source = on_start,
                                        .fill_input_buffer = on_fill,
                                        .skip_input_data = on_skip,
                                        .resync_to_restart = jpeg_resync_to_restart,
                                        .term_source = on_end};
    r.progress.progress_monitor = on_progress;
    read_guarded(&r);
    jpeg_destroy_decompress(&r.jpeg);
    return r.status;
}

#else

elbo_status jpeg_decode(stream *s, fit *f, elbo_error *error)
{
    (void)s;
    (void)f;
    return err_set(error, ELBO_NO_BACKEND,
                   "it is a JPEG, and this elbo was built without libjpeg; install libjpeg-dev and build elbo again");
}

#endif
