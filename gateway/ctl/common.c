#include "gateway/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "gateway/auth/auth.h"
#include "gateway/sys/sys.h"
#include "policy/repository/repository.h"

#define KEYTAB_MAX (16u << 20)

static void __attribute__((format(printf, 1, 0)))
complain(const char *format, va_list ap)
{
    char line[ERROR_TEXT_MAX + 256];

    vsnprintf(line, sizeof(line), format, ap);
    fputs("nsgatectl: ", stderr);
    ctl_print_text(stderr, span_of(line), false);
    fputc('\n', stderr);
}

int
ctl_fail(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    complain(format, ap);
    va_end(ap);
    return CTL_FAILED;
}

int
ctl_misuse(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    complain(format, ap);
    va_end(ap);
    fputs("Try 'nsgatectl --help'.\n", stderr);
    return CTL_USAGE;
}

int
ctl_option_refused(void)
{
    fputs("Try 'nsgatectl --help'.\n", stderr);
    return CTL_USAGE;
}

static int
path_take(const char *option, char out[256], struct error *err)
{
    size_t length = strlen(option);

    if (length >= 256)
        return error_set(err, "the directory's path is longer than 255 bytes");
    memcpy(out, option, length + 1);
    return 0;
}

int
ctl_paths_load(const struct ctl *ctl, struct ctl_paths *out, struct error *err)
{
    const char *path = ctl->config_path;
    struct config_paths configured = {"/var/lib/nsgate", "/run/nsgate"};
    struct error why = {0, ""};

    if (path == NULL)
        path = CONFIG_DEFAULT_PATH;
    if ((ctl->state_dir == NULL || ctl->runtime_dir == NULL) &&
        config_paths_load(path, &configured, &why) != 0)
    {
        if (ctl->config_path != NULL || why.code != -ENOENT)
            return error_set(err, "%s", why.text);
        configured = (struct config_paths){"/var/lib/nsgate", "/run/nsgate"};
    }
    memcpy(out->state_dir, configured.state_dir, sizeof(out->state_dir));
    memcpy(out->runtime_dir, configured.runtime_dir, sizeof(out->runtime_dir));
    if (ctl->state_dir != NULL &&
        path_take(ctl->state_dir, out->state_dir, err) != 0)
        return -1;
    if (ctl->runtime_dir != NULL &&
        path_take(ctl->runtime_dir, out->runtime_dir, err) != 0)
        return -1;
    return 0;
}

int
ctl_state_enter(const char *state_dir, struct error *err)
{
    int code;

    if (state_owner_enter(state_dir, err) != 0)
        return -1;
    if (faccessat(AT_FDCWD, state_dir, R_OK | X_OK, AT_EACCESS) == 0)
        return 0;
    code = errno;
    state_owner_leave();
    if (code != EACCES)
        return error_set_errno(err, code, "%s", state_dir);
    error_set(err, "%s may not be read by this user; run nsgatectl as root",
              state_dir);
    if (err != NULL)
        err->code = -EACCES;
    return -1;
}

int
ctl_config_load(const struct ctl *ctl, struct config **out, struct error *err)
{
    return config_load(ctl->config_path != NULL ? ctl->config_path
                                                : CONFIG_DEFAULT_PATH,
                       out, err);
}

/* Control characters, and what ends a line, is not seen or changes the
 * direction of text, as event_format_line() has it. */
static bool
is_printable(uint32_t cp)
{
    return cp >= 0x20 && (cp < 0x7f || cp > 0x9f) && cp != 0x61c &&
           (cp < 0x200b || cp > 0x200f) && (cp < 0x2028 || cp > 0x202e) &&
           (cp < 0x2066 || cp > 0x2069) && cp != 0xfeff;
}

void
ctl_print_text(FILE *out, struct span text, bool lines)
{
    while (text.length > 0) {
        size_t n = utf8_sequence_length(text);
        uint32_t cp = n > 0 ? utf8_decode(text) : 0;
        bool keep = n > 0 && is_printable(cp);

        if (lines && (cp == '\n' || cp == '\t'))
            keep = true;
        if (n == 0)
            n = 1;
        if (keep)
            fwrite(text.data, 1, n, out);
        else
            fputc('?', out);
        text = span_skip(text, n);
    }
}

int
ctl_call(const struct ctl *ctl, const char *request, unsigned timeout_ms,
         struct buf *reply, struct error *err)
{
    struct ctl_paths paths;
    struct error why = {0, ""};
    int fd, result;

    if (ctl_paths_load(ctl, &paths, err) != 0)
        return -1;
    fd = control_connect(paths.runtime_dir, &why);
    if (fd < 0) {
        if (why.code == -ENOENT || why.code == -ECONNREFUSED) {
            error_set(err, "no gateway is running (%s/%s)", paths.runtime_dir,
                      CONTROL_SOCKET);
        } else {
            error_set(err, "%s", why.text);
        }
        if (err != NULL)
            err->code = why.code;
        return -1;
    }
    result = control_call(fd, request, timeout_ms, reply, err);
    close(fd);
    return result;
}

int
ctl_acceptor_open(const struct config *config, struct acceptor **out,
                  struct error *err)
{
    char rcache[300];
    struct acceptor_options options = {.names = config->acceptors,
                                       .name_count = config->acceptor_count,
                                       .rcache_dir = rcache};
    int result;

    *out = NULL;
    options.keytab_fd = memory_file_read(config->keytab, KEYTAB_MAX, err);
    if (options.keytab_fd < 0)
        return -1;
    snprintf(rcache, sizeof(rcache), "%s/rcache", config->state_dir);
    result = acceptor_new(&options, out, err);
    close(options.keytab_fd);
    return result;
}
