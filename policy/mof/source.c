#include "policy/mof/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/mof/mof.h"

/* Windows-1252, 0x80 to 0x9f; the five holes map to C1 as Windows does. */
static const uint16_t cp1252_high[32] = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
    0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f,
    0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178};

#define READ_BYTES ((size_t)64 * 1024)
#define CTRL_Z     '\x1a'

static bool
text_reserve(struct source *s, size_t bytes)
{
    s->text = malloc(bytes + 1);
    if (s->text == NULL)
        return false;
    s->text[0] = '\0';
    return true;
}

static uint32_t
utf16_unit(const unsigned char *in, bool big)
{
    return big ? (uint32_t)in[0] << 8 | in[1] : (uint32_t)in[1] << 8 | in[0];
}

static enum source_problem
utf16_decode(struct source *s, const unsigned char *in, size_t length,
             bool big)
{
    enum source_problem problem = length % 2 ? SOURCE_ODD : SOURCE_OK;
    size_t out = 0, n = length / 2;

    if (!text_reserve(s, n * 3))
        return SOURCE_MEMORY;
    for (size_t i = 0; i < n; i++) {
        uint32_t unit = utf16_unit(in + 2 * i, big);

        if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < n) {
            uint32_t low = utf16_unit(in + 2 * i + 2, big);

            if (low >= 0xdc00 && low < 0xe000) {
                unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                i++;
            }
        }
        if (unit == 0 || (unit >= 0xd800 && unit < 0xe000)) {
            problem = unit == 0 ? SOURCE_NUL : SOURCE_SURROGATE;
            break;
        }
        out += utf8_encode(unit, s->text + out);
    }
    s->text[out] = '\0';
    s->length = (uint32_t)out;
    return problem;
}

/* The bytes at the start of s that are UTF-8. */
static size_t
utf8_valid_prefix(struct span s)
{
    const char *start = s.data;

    while (s.length > 0) {
        uint64_t eight;
        size_t n;

        while (s.length >= sizeof(eight)) {
            memcpy(&eight, s.data, sizeof(eight));
            if (eight & UINT64_C(0x8080808080808080))
                break;
            s = span_skip(s, sizeof(eight));
        }
        if (s.length == 0)
            break;
        n = utf8_sequence_length(s);
        if (n == 0)
            break;
        s = span_skip(s, n);
    }
    return (size_t)(s.data - start);
}

static enum source_problem
cp1252_decode(struct source *s, const unsigned char *in, size_t length,
              size_t first_high, uint32_t *guessed_at)
{
    size_t out = 0;

    if (!text_reserve(s, length * 3))
        return SOURCE_MEMORY;
    for (size_t i = 0; i < length; i++) {
        if (i == first_high)
            *guessed_at = (uint32_t)out;
        out += utf8_encode(
            in[i] >= 0x80 && in[i] < 0xa0 ? cp1252_high[in[i] - 0x80] : in[i],
            s->text + out);
    }
    s->text[out] = '\0';
    s->length = (uint32_t)out;
    return SOURCE_OK;
}

/* UTF-8 stays where it is; bytes[skip] is its first. */
static enum source_problem
bytes_decode(struct source *s, char **bytes, size_t length, size_t skip,
             uint32_t *guessed_at)
{
    char *in = *bytes + skip;
    const char *nul = memchr(in, '\0', length - skip);
    size_t used = nul ? (size_t)(nul - in) : length - skip;
    size_t valid = utf8_valid_prefix((struct span){in, used});
    enum source_problem problem = SOURCE_OK;

    if (valid == used) {
        memmove(*bytes, in, skip > 0 ? used : 0);
        s->text = *bytes;
        s->text[used] = '\0';
        s->length = (uint32_t)used;
        *bytes = NULL;
    } else {
        problem = cp1252_decode(s, (const unsigned char *)in, used, valid,
                                guessed_at);
    }
    return problem == SOURCE_OK && nul != NULL ? SOURCE_NUL : problem;
}

/* DOS editors end a text with Ctrl-Z. */
static void
ctrl_z_strip(struct source *s)
{
    uint32_t n = s->length;

    while (n > 0 && strchr(" \t\r\n", s->text[n - 1]) != NULL)
        n--;
    if (n > 0 && s->text[n - 1] == CTRL_Z) {
        s->length = n - 1;
        s->text[n - 1] = '\0';
    }
}

static enum source_problem
decode(struct source *s, char **bytes, size_t length, uint32_t *guessed_at)
{
    const unsigned char *in = (const unsigned char *)*bytes;

    if (length > SOURCE_BYTES_MAX || mof_is_binary(in, length)) {
        if (!text_reserve(s, 0))
            return SOURCE_MEMORY;
        return length > SOURCE_BYTES_MAX ? SOURCE_LARGE : SOURCE_BINARY;
    }
    if (length >= 2 && in[0] == 0xff && in[1] == 0xfe)
        return utf16_decode(s, in + 2, length - 2, false);
    if (length >= 2 && in[0] == 0xfe && in[1] == 0xff)
        return utf16_decode(s, in + 2, length - 2, true);
    if (length >= 3 && memcmp(in, "\xef\xbb\xbf", 3) == 0)
        return bytes_decode(s, bytes, length, 3, guessed_at);
    return bytes_decode(s, bytes, length, 0, guessed_at);
}

enum source_problem
source_decode(struct source *s, char *bytes, size_t length,
              uint32_t *guessed_at)
{
    enum source_problem problem;

    *guessed_at = UINT32_MAX;
    problem = decode(s, &bytes, length, guessed_at);
    free(bytes);
    if (problem == SOURCE_OK)
        ctrl_z_strip(s);
    return problem;
}

void
source_fini(struct source *s)
{
    free(s->text);
    free(s->blocks);
    s->text = NULL;
    s->blocks = NULL;
}

/* CR, LF and CR LF each end a line. */
static bool
ends_line(const struct source *s, uint32_t i)
{
    return s->text[i] == '\n' ||
           (s->text[i] == '\r' && s->text[i + 1] != '\n');
}

/* As many as the places of from to to that end a line. */
static uint32_t
line_ends(const struct source *s, uint32_t from, uint32_t to)
{
    const char *p = s->text + from, *end = s->text + to;
    uint32_t n = 0;

    if (from == to)
        return 0;
    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        n++;
        p++;
    }
    for (p = s->text + from; (p = memchr(p, '\r', (size_t)(end - p))) != NULL;
         p++)
        n += p[1] != '\n';
    return n;
}

/* Without memory for it every question costs the text before it. */
static void
blocks_index(struct source *s)
{
    uint32_t count = s->length / SOURCE_BLOCK_BYTES + 1;

    s->blocks = calloc(count, sizeof(*s->blocks));
    for (uint32_t i = 1; s->blocks != NULL && i < count; i++)
        s->blocks[i] =
            s->blocks[i - 1] +
            line_ends(s, (i - 1) * SOURCE_BLOCK_BYTES, i * SOURCE_BLOCK_BYTES);
}

/* Lines that end before offset. */
static uint32_t
lines_before(struct source *s, uint32_t offset)
{
    uint32_t block = offset / SOURCE_BLOCK_BYTES;
    uint32_t start = block * SOURCE_BLOCK_BYTES;

    if (s->blocks == NULL)
        blocks_index(s);
    if (s->last_offset >= start && s->last_offset <= offset &&
        s->last_line > 0)
        return s->last_line - 1 + line_ends(s, s->last_offset, offset);
    return s->blocks != NULL ? s->blocks[block] + line_ends(s, start, offset)
                             : line_ends(s, 0, offset);
}

static uint32_t
line_start(const struct source *s, uint32_t offset)
{
    while (offset > 0 && !ends_line(s, offset - 1))
        offset--;
    return offset;
}

void
source_locate(struct source *s, uint32_t offset, uint32_t *line_out,
              uint32_t *column_out)
{
    uint32_t line, start, column = 1;

    *line_out = *column_out = 0;
    if (s->kind != SOURCE_TEXT)
        return;
    if (offset > s->length)
        offset = s->length;
    line = lines_before(s, offset) + 1;
    if (s->last_line == line && s->last_offset <= offset) {
        start = s->last_offset;
        column = s->last_column;
    } else {
        start = line_start(s, offset);
    }
    column +=
        (uint32_t)utf8_count((struct span){s->text + start, offset - start});
    s->last_offset = offset;
    s->last_line = line;
    s->last_column = column;
    *line_out = line;
    *column_out = column;
}

/* The last block in front of which fewer than n lines end; 0: there is none. */
static uint32_t
block_before(const struct source *s, uint32_t n)
{
    uint32_t low = 0, high = s->length / SOURCE_BLOCK_BYTES + 1;

    while (s->blocks != NULL && high > low + 1) {
        uint32_t middle = low + (high - low) / 2;

        if (s->blocks[middle] < n)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t
source_offset(struct source *s, uint32_t line, uint32_t column)
{
    uint32_t block, offset, left = line - 1;
    struct span rest;

    if (line == 0)
        return s->length;
    if (s->blocks == NULL)
        blocks_index(s);
    block = block_before(s, left);
    offset = block * SOURCE_BLOCK_BYTES;
    if (block > 0)
        left -= s->blocks[block];
    for (; left > 0 && offset < s->length; offset++)
        left -= ends_line(s, offset);
    rest = (struct span){s->text + offset, s->length - offset};
    while (--column > 0 && rest.length > 0)
        rest = span_skip(rest, utf8_sequence_length(rest));
    return s->length - (uint32_t)rest.length;
}

uint32_t
source_word(const struct source *s, uint32_t offset)
{
    uint32_t n = 0;

    while (offset + n < s->length &&
           (ascii_is_alpha(s->text[offset + n]) ||
            ascii_is_digit(s->text[offset + n]) || s->text[offset + n] == '_'))
        n++;
    return n > 0 ? n : 1;
}

static bool
is_line_end(const struct source *s, uint32_t offset)
{
    return offset >= s->length || s->text[offset] == '\n' ||
           s->text[offset] == '\r';
}

static bool
is_inside_character(const struct source *s, uint32_t offset)
{
    return offset < s->length &&
           ((unsigned char)s->text[offset] & 0xc0) == 0x80;
}

/* The text is UTF-8: one character begins where a byte is no continuation. */
struct span
source_around(const struct source *s, uint32_t offset, unsigned around,
              uint32_t *before_out, bool *goes_on_out)
{
    uint32_t start, end;

    if (offset > s->length)
        offset = s->length;
    *before_out = 0;
    for (start = offset;
         start > 0 && !ends_line(s, start - 1) && *before_out < around;)
    {
        start--;
        *before_out += !is_inside_character(s, start);
    }
    while (is_inside_character(s, start))
        start--;
    for (end = offset; !is_line_end(s, end) && around > 0; around--) {
        end++;
        while (is_inside_character(s, end))
            end++;
    }
    *goes_on_out = !is_line_end(s, end);
    return (struct span){s->text + start, end - start};
}

/* size: what is expected, and one more to see the end with. */
static int
descriptor_read(int fd, const char *path, size_t size, char **bytes_out,
                size_t *length_out, struct error *err)
{
    struct buf b = BUF_INIT;
    int saved = 0;

    for (;;) {
        ssize_t n;

        if (!buf_reserve(&b, b.length < size ? size - b.length : READ_BYTES)) {
            saved = ENOMEM;
            break;
        }
        n = read(fd, b.data + b.length, b.capacity - b.length - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            break;
        if (n > 0)
            b.length += (size_t)n;
        if (n < 0 || b.length > SOURCE_BYTES_MAX) {
            saved = n < 0 ? errno : EFBIG;
            break;
        }
    }
    if (saved != 0) {
        buf_fini(&b);
        return error_set_errno(err, saved, "%s", path);
    }
    *length_out = b.length;
    *bytes_out = b.data;
    return 0;
}

int
source_read(const char *path, char **bytes_out, size_t *length_out,
            struct error *err)
{
    struct stat st;
    int fd, ret;

    *bytes_out = NULL;
    *length_out = 0;
    if (strcmp(path, "-") == 0)
        return descriptor_read(STDIN_FILENO, "standard input", 0, bytes_out,
                               length_out, err);
    /* Not blocking, so that opening a FIFO nobody writes does not hang. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    if (fstat(fd, &st) != 0)
        ret = error_set_errno(err, errno, "%s", path);
    else if (!S_ISREG(st.st_mode))
        ret = error_set(err, "%s: not a regular file", path);
    else if ((uint64_t)st.st_size > SOURCE_BYTES_MAX)
        ret = error_set_errno(err, EFBIG, "%s", path);
    else
        ret = descriptor_read(fd, path, (size_t)st.st_size + 1, bytes_out,
                              length_out, err);
    close(fd);
    return ret;
}
