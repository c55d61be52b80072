/*
 * What a stranger may put into Authorization.  The acceptor has a key of a
 * realm that is long gone and lives in the minute in which the tokens of the
 * corpus were made, so that a mutated one is still decrypted.
 *
 * The first byte chooses: bit 0, the rest is a header value (else a token);
 * bit 1, the channel is known.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "gateway/auth/auth.h"
#include "gateway/auth/base64.h"
#include "gateway/sys/sys.h"

#define CORPUS_TIME 1795602762

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* keytab format 2: HTTP/localhost@NSGATE.TEST, kvno 2, aes256-cts */
static const unsigned char keytab[] = {
    0x05, 0x02, 0x00, 0x00, 0x00, 0x51, 0x00, 0x02, 0x00, 0x0b, 0x4e,
    0x53, 0x47, 0x41, 0x54, 0x45, 0x2e, 0x54, 0x45, 0x53, 0x54, 0x00,
    0x04, 0x48, 0x54, 0x54, 0x50, 0x00, 0x09, 0x6c, 0x6f, 0x63, 0x61,
    0x6c, 0x68, 0x6f, 0x73, 0x74, 0x00, 0x00, 0x00, 0x01, 0x6b, 0x06,
    0xb9, 0x49, 0x02, 0x00, 0x12, 0x00, 0x20, 0x30, 0xb4, 0xf3, 0xf3,
    0x04, 0xf6, 0xa2, 0xf3, 0x1f, 0xe8, 0xe1, 0x82, 0x27, 0x8f, 0x12,
    0x37, 0x14, 0xc4, 0x20, 0xf7, 0x91, 0xc0, 0xc5, 0x43, 0x8e, 0x5b,
    0xab, 0x60, 0x02, 0x83, 0x49, 0x73, 0x00, 0x00, 0x00, 0x02};

static char directory[] = "/tmp/nsgate-fuzz.XXXXXX";
static char cache[sizeof(directory) + 32];
static struct acceptor *acceptor;

/* libkrb5's clock; it stands before libc's for shared libraries too. */
int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    tv->tv_sec = CORPUS_TIME;
    tv->tv_usec = 0;
    return 0;
}

static void
clean_up(void)
{
    acceptor_free(acceptor);
    unlink(cache);
    rmdir(directory);
}

static void
set_up(void)
{
    static const char *const names[] = {"HTTP@localhost"};
    struct acceptor_options options = {names, 1, -1, directory};
    struct error err = {0};

    setenv("KRB5_CONFIG", "/dev/null", 1);
    if (mkdtemp(directory) == NULL)
        abort();
    snprintf(cache, sizeof(cache), "%s/nsgate.rcache2", directory);
    options.keytab_fd =
        memory_file_new("keytab", keytab, sizeof(keytab), &err);
    if (options.keytab_fd < 0 || acceptor_new(&options, &acceptor, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    close(options.keytab_fd);
    atexit(clean_up);
}

/* A refusal tells nobody's name and answers nothing; an admission has a name
 * of one realm and a level. */
static void
check(const struct auth_result *r)
{
    if (r->outcome != AUTH_OK) {
        if (r->reply != NULL || r->principal[0] != '\0' || r->bound ||
            r->declared != AUTHN_LEVEL_NONE || r->cause[0] == '\0')
            abort();
        return;
    }
    if (r->anonymous || r->realm == NULL ||
        r->declared < AUTHN_LEVEL_CONNECT || r->impersonation == 0 ||
        strchr(r->principal, '@') + 1 != r->realm)
        abort();
}

static void
offer(const uint8_t *data, size_t size, bool is_header,
      const struct channel_binding *binding)
{
    struct buf header = BUF_INIT;
    struct auth_result result;
    char *text;

    if (is_header) {
        buf_add(&header, data, size);
    } else {
        text = base64_encode(data, size);
        buf_addf(&header, "Negotiate %s", text);
        free(text);
    }
    acceptor_accept(acceptor, buf_span(&header), binding, &result);
    check(&result);
    auth_result_fini(&result);
    buf_fini(&header);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct channel_binding binding = {24,
                                                   "tls-server-end-point:abc"};

    if (acceptor == NULL)
        set_up();
    if (size == 0)
        return 0;
    unlink(cache); /* or nothing would be accepted twice */
    offer(data + 1, size - 1, data[0] & 1, data[0] & 2 ? &binding : NULL);
    return 0;
}
