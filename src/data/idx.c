/* idx.c - IDX files, the format of MNIST (Y. LeCun, "The MNIST database", the file format): two zero bytes, the type of
 * the numbers, the rank, then the sizes of the axes as big-endian 32-bit numbers, then the numbers, the last axis
 * fastest.
 *
 * Rank 4 is read as N,C,H,W, channels first, the order such files are written in. */
#include "format.h"

typedef struct number_type {
    unsigned char code;
    char kind;
    size_t bytes;
} number_type;

static const number_type types[] = {{0x08, 'u', 1}, {0x09, 'i', 1}, {0x0b, 'i', 2},
                                    {0x0c, 'i', 4}, {0x0d, 'f', 4}, {0x0e, 'f', 8}};

static const number_type *find_type(unsigned char code)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].code == code) return &types[i];
    return NULL;
}

bool idx_begins(const unsigned char *head)
{
    return head[0] == 0 && head[1] == 0 && head[2] != 0 && head[3] != 0;
}

static elbo_status read_header(gz *g, layout *l, elbo_error *error)
{
    unsigned char head[4 + 4 * 4];
    const unsigned char *magic = gz_head(g);
    const number_type *type = find_type(magic[2]);
    if (!type)
        return err_set(error, ELBO_BAD_FILE,
                       "%s: type of numbers at offset 2: got 0x%02x, expected 08, 09, 0b, 0c, 0d or 0e", gz_path(g),
                       magic[2]);
    if (magic[3] > 4)
        return err_set(error, ELBO_BAD_FILE, "%s: rank at offset 3: got %d, expected 1 to 4", gz_path(g), magic[3]);
    elbo_status status = gz_read(g, head, 4 + 4 * (size_t)magic[3], "IDX header", error);
    if (status != ELBO_OK) return status;
    uint64_t sizes[4];
    for (int i = 0; i < magic[3]; i++) {
        const unsigned char *b = head + 4 + 4 * i;
        sizes[i] = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
        if (sizes[i] == 0)
            return err_set(error, ELBO_BAD_FILE, "%s: size at offset %d: got 0, expected at least 1", gz_path(g),
                           4 + 4 * i);
    }
    *l = (layout){.kind = type->kind, .bytes = type->bytes, .big_endian = true};
    if (!layout_axes(l, magic[3], sizes, true, false))
        return err_set(error, ELBO_BAD_FILE, "%s: sizes from offset 4 on: their product is more than memory can hold",
                       gz_path(g));
    return ELBO_OK;
}

elbo_status idx_load(gz *g, const reading *how, array *out, elbo_error *error)
{
    layout l;
    elbo_status status = read_header(g, &l, error);
    return status == ELBO_OK ? array_read(g, &l, how->room, out, error) : status;
}
