#include "gateway/server/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(listener);

static const char *dir;
static char socket_path[90], other_path[90], bind_text[100];
static struct config_listener items[2];
static struct config config;
static struct listener_set set;
static struct error err;

static struct config_listener
tcp(const char *name, const char *host)
{
    struct config_listener c = {
        .name = name, .file = "nsgate.conf", .line = 12, .backlog = 16};

    c.bind = host;
    snprintf(c.host, sizeof(c.host), "%s", host);
    return c;
}

static struct config_listener
local(const char *name, unsigned mode)
{
    struct config_listener c = {.name = name,
                                .file = "nsgate.conf",
                                .line = 12,
                                .bind = bind_text,
                                .unix_path = socket_path,
                                .channel = LISTENER_CHANNEL_LOCAL,
                                .backlog = 16,
                                .mode = mode};

    return c;
}

static void
setup(void)
{
    dir = test_directory();
    snprintf(socket_path, sizeof(socket_path), "%s/s", dir);
    snprintf(other_path, sizeof(other_path), "%s/f", dir);
    snprintf(bind_text, sizeof(bind_text), "unix:%s", socket_path);
    config.listeners = items;
    config.listener_count = 1;
}

static int
set_open(void)
{
    return listener_set_open(&config, NULL, &set, &err);
}

static void
assert_refused(const char *why)
{
    cr_assert(set_open() == -1, "opened, and not: %s", why);
    cr_assert(strstr(err.text, why) != NULL, "%s", err.text);
    cr_assert(strstr(err.text, "nsgate.conf:12: listener '") == err.text, "%s",
              err.text);
    cr_assert(set.count == 0 && set.items == NULL);
}

static bool
answers(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered;

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    answered = connect(fd, (void *)&un, sizeof(un)) == 0;
    close(fd);
    return answered;
}

/* A bound Unix socket that is not one of ours. */
static int
occupy(int kind, int backlog)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", socket_path);
    cr_assert(bind(fd, (void *)&un, sizeof(un)) == 0, "%s", strerror(errno));
    if (kind != SOCK_DGRAM && backlog >= 0)
        cr_assert(listen(fd, backlog) == 0);
    return fd;
}

/* -- addresses ---------------------------------------------------------------- */

Test(listener, tells_the_port_that_zero_came_to, .init = setup)
{
    char expected[64];

    items[0] = tcp("a", "127.0.0.1");
    items[1] = tcp("b", "::1");
    config.listener_count = 2;
    cr_assert(set_open() == 0, "%s", err.text);
    cr_assert(set.count == 2 && set.items[0].port != 0);
    snprintf(expected, sizeof(expected), "127.0.0.1:%u", set.items[0].port);
    cr_assert_str_eq(set.items[0].address, expected);
    snprintf(expected, sizeof(expected), "[::1]:%u", set.items[1].port);
    cr_assert_str_eq(set.items[1].address, expected);
    listener_set_close(&set, NULL, false);
}

Test(listener, does_not_answer_before_it_is_told_to_listen, .init = setup)
{
    items[0] = local("a", 0600);
    cr_assert(set_open() == 0, "%s", err.text);
    cr_assert(!answers(socket_path));
    cr_assert(listener_set_listen(&set, &err) == 0, "%s", err.text);
    cr_assert(answers(socket_path));
    listener_set_close(&set, NULL, false);
    cr_assert(access(socket_path, F_OK) != 0, "its file is removed");
}

Test(listener, refuses_a_local_or_proxy_address_that_others_reach,
     .init = setup)
{
    static const struct {
        const char *host;
        bool private;
    } rows[] = {{"127.0.0.1", true},
                {"127.8.9.10", true},
                {"::1", true},
                {"0.0.0.0", false},
                {"::", false}};
    static const enum listener_channel channels[] = {LISTENER_CHANNEL_LOCAL,
                                                     LISTENER_CHANNEL_PROXY};

    for (size_t i = 0; i < 2 * ARRAY_COUNT(rows); i++) {
        items[0] = tcp("a", rows[i / 2].host);
        items[0].channel = channels[i % 2];
        if (rows[i / 2].private) {
            cr_assert(set_open() == 0, "%s", err.text);
            listener_set_close(&set, NULL, false);
        } else {
            assert_refused("loopback");
        }
    }
}

Test(listener, refuses_what_is_no_address_or_not_free, .init = setup)
{
    struct listener_set first;

    items[0] = tcp("a", "localhost");
    assert_refused("no address");
    items[0] = tcp("a", "127.0.0.1");
    cr_assert(listener_set_open(&config, NULL, &first, &err) == 0);
    cr_assert(listener_set_listen(&first, &err) == 0);
    items[0].port = first.items[0].port;
    assert_refused(strerror(EADDRINUSE));
    listener_set_close(&first, NULL, false);
}

Test(listener, leaves_nothing_bound_when_a_later_one_fails, .init = setup)
{
    items[0] = local("a", 0600);
    items[1] = tcp("b", "nowhere");
    config.listener_count = 2;
    assert_refused("no address");
    cr_assert(access(socket_path, F_OK) != 0);
}

/* -- socket files --------------------------------------------------------------- */

Test(listener, replaces_a_socket_file_that_nobody_answers_on, .init = setup)
{
    close(occupy(SOCK_STREAM, 1));
    items[0] = local("a", 0600);
    cr_assert(set_open() == 0, "%s", err.text);
    cr_assert(listener_set_listen(&set, &err) == 0);
    cr_assert(answers(socket_path));
    listener_set_close(&set, NULL, false);
}

Test(listener, takes_no_socket_file_from_somebody_alive, .init = setup)
{
    static const int kinds[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

    items[0] = local("a", 0600);
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        int fd = occupy(kinds[i], 1);

        assert_refused(strerror(EADDRINUSE));
        cr_assert(access(socket_path, F_OK) == 0);
        close(fd);
        unlink(socket_path);
    }
}

/* A queue that is full answers late, but its owner lives. */
Test(listener, does_not_wait_for_a_server_that_is_busy, .init = setup,
     .timeout = 20)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = occupy(SOCK_STREAM, 0), waiting[64];
    size_t count = 0;

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", socket_path);
    for (; count < ARRAY_COUNT(waiting); count++) {
        waiting[count] =
            socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(waiting[count], (void *)&un, sizeof(un)) < 0)
            break;
    }
    cr_assert(count < ARRAY_COUNT(waiting), "the queue never fills");
    items[0] = local("a", 0600);
    assert_refused(strerror(EADDRINUSE));
    cr_assert(access(socket_path, F_OK) == 0);
    for (size_t i = 0; i <= count; i++)
        close(waiting[i]);
    close(fd);
}

Test(listener, removes_no_file_that_is_no_socket, .init = setup)
{
    test_write_file(other_path, "precious", 8);
    items[0] = local("a", 0600);
    cr_assert(symlink(other_path, socket_path) == 0);
    assert_refused("no socket");
    unlink(socket_path);
    test_write_file(socket_path, "precious", 8);
    assert_refused("no socket");
    cr_assert(access(other_path, F_OK) == 0);
    cr_assert(access(socket_path, F_OK) == 0);
}

static void
assert_mode(unsigned mode)
{
    struct stat st;

    cr_assert(stat(socket_path, &st) == 0);
    cr_assert((st.st_mode & 07777) == mode, "%o", st.st_mode & 07777);
}

Test(listener, gives_a_local_socket_its_mode_and_group, .init = setup)
{
    static const unsigned modes[] = {0600, 0660, 0666};
    struct group *gr = getgrgid(getegid());

    umask(0077);
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        items[0] = local("a", modes[i]);
        items[0].group = gr->gr_name;
        cr_assert(set_open() == 0, "%s", err.text);
        assert_mode(modes[i]);
        listener_set_close(&set, NULL, false);
    }
    items[0].group = "no-such-group";
    assert_refused("no group 'no-such-group'");
    cr_assert((umask(0022) & 0777) == 0077, "the umask is put back");
}

Test(listener, gives_a_proxy_socket_to_the_proxy_alone, .init = setup)
{
    struct stat st;

    items[0] = local("a", 0600);
    items[0].channel = LISTENER_CHANNEL_PROXY;
    items[0].trusted_proxy_uid = geteuid() == 0 ? 33 : geteuid();
    cr_assert(set_open() == 0, "%s", err.text);
    cr_assert(stat(socket_path, &st) == 0);
    cr_assert(st.st_uid == items[0].trusted_proxy_uid);
    assert_mode(0600);
    listener_set_close(&set, NULL, false);
}

/* -- reload --------------------------------------------------------------------- */

Test(listener, is_shared_with_the_set_before_it, .init = setup)
{
    struct config_listener old_items[2];
    struct config old = config;
    struct listener_set before;

    items[0] = tcp("a", "127.0.0.1");
    items[1] = local("u", 0600);
    config.listener_count = old.listener_count = 2;
    memcpy(old_items, items, sizeof(items));
    old.listeners = old_items;
    cr_assert(listener_set_open(&old, NULL, &before, &err) == 0);
    cr_assert(listener_set_listen(&before, &err) == 0);
    cr_assert(listener_set_open(&config, &before, &set, &err) == 0, "%s",
              err.text);
    cr_assert(set.items[0].port == before.items[0].port);
    cr_assert(set.items[0].fd != before.items[0].fd);
    listener_set_close(&before, &set, false);
    cr_assert(answers(socket_path), "the successor's stays");
    listener_set_close(&set, NULL, false);
    cr_assert(access(socket_path, F_OK) != 0);
}

Test(listener, of_another_name_is_not_shared, .init = setup)
{
    struct config_listener old_items[1];
    struct config old = config;
    struct listener_set before;

    items[0] = tcp("b", "127.0.0.1");
    old_items[0] = tcp("a", "127.0.0.1");
    old.listeners = old_items;
    cr_assert(listener_set_open(&old, NULL, &before, &err) == 0);
    cr_assert(listener_set_open(&config, &before, &set, &err) == 0);
    cr_assert(set.items[0].port != before.items[0].port);
    listener_set_close(&set, &before, false);
    listener_set_close(&before, NULL, false);
}

Test(listener, gets_a_new_mode_only_when_the_reload_succeeds, .init = setup)
{
    struct config_listener old_items[1];
    struct config old = config;
    struct listener_set before;

    items[0] = local("a", 0600);
    old_items[0] = local("a", 0666);
    old.listeners = old_items;
    cr_assert(listener_set_open(&old, NULL, &before, &err) == 0);
    cr_assert(listener_set_listen(&before, &err) == 0);
    cr_assert(listener_set_open(&config, &before, &set, &err) == 0);
    assert_mode(0666);
    listener_set_close(&set, &before, false);
    assert_mode(0666);
    cr_assert(listener_set_open(&config, &before, &set, &err) == 0);
    cr_assert(listener_set_listen(&set, &err) == 0, "%s", err.text);
    assert_mode(0600);
    listener_set_close(&before, &set, false);
    listener_set_close(&set, NULL, false);
}

/* An address that was checked says nothing about a socket that was passed. */
Test(listener, refuses_an_inherited_socket_that_is_not_what_is_configured,
     .init = setup)
{
    struct config_listener old_items[1];
    struct listener_set before = {1, calloc(1, sizeof(struct listener))};

    old_items[0] = local("a", 0600);
    items[0] = old_items[0];
    before.items[0].config = &old_items[0];
    before.items[0].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(listener_set_open(&config, &before, &set, &err) == -1);
    cr_assert(strstr(err.text, "another kind") != NULL, "%s", err.text);
    items[0] = old_items[0] = tcp("a", "127.0.0.1");
    items[0].channel = LISTENER_CHANNEL_PROXY;
    cr_assert(listener_set_open(&config, &before, &set, &err) == -1);
    cr_assert(strstr(err.text, "loopback") != NULL, "%s", err.text);
    listener_set_close(&before, NULL, false);
}

Test(listener, leaves_the_file_of_a_passed_socket_to_its_owner, .init = setup)
{
    struct config_listener old_items[1];
    struct listener_set before = {1, calloc(1, sizeof(struct listener))};

    old_items[0] = items[0] = local("a", 0666);
    before.items[0].config = &old_items[0];
    before.items[0].fd = occupy(SOCK_STREAM, 4);
    before.items[0].passed = true;
    cr_assert(chmod(socket_path, 0640) == 0);
    cr_assert(listener_set_open(&config, &before, &set, &err) == 0, "%s",
              err.text);
    cr_assert(set.items[0].passed);
    cr_assert(listener_set_listen(&set, &err) == 0);
    assert_mode(0640);
    listener_set_close(&set, NULL, false);
    listener_set_close(&before, NULL, false);
    cr_assert(access(socket_path, F_OK) == 0);
}

/* -- files ---------------------------------------------------------------------- */

Test(listener, takes_a_secret_of_32_bytes_without_its_line_end, .init = setup)
{
#define HALF "0123456789abcdef"
    static const struct {
        const char *text;
        size_t length; /* 0: refused */
    } rows[] = {
        {HALF HALF, 32},
        {HALF HALF "\n", 32},
        {HALF HALF "\r\n", 32},
        {HALF HALF HALF, 48},
        {"", 0},
        {"\n", 0},
        {HALF "0123456789abcde\n\n\n", 0},
    };

    items[0] = tcp("a", "127.0.0.1");
    items[0].channel = LISTENER_CHANNEL_PROXY;
    items[0].secret_file = other_path;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        test_write_file(other_path, rows[i].text, strlen(rows[i].text));
        if (rows[i].length == 0) {
            assert_refused("32 bytes");
            continue;
        }
        cr_assert(set_open() == 0, "%s", err.text);
        cr_assert(set.items[0].secret.length == rows[i].length);
        listener_set_close(&set, NULL, false);
    }
    unlink(other_path);
    assert_refused(strerror(ENOENT));
}

Test(listener, needs_a_certificate_with_its_key, .init = setup)
{
    static char crt[100], key[100], ecdsa[100], empty[100];

    test_shell("sh %s %s >/dev/null 2>&1",
               test_source_path("tests/realm/tls.sh"), dir);
    snprintf(crt, sizeof(crt), "%s/tls.crt", dir);
    snprintf(key, sizeof(key), "%s/tls.key", dir);
    snprintf(ecdsa, sizeof(ecdsa), "%s/ecdsa.key", dir);
    snprintf(empty, sizeof(empty), "%s/empty", dir);
    test_write_file(empty, "", 0);
    items[0] = tcp("a", "127.0.0.1");
    items[0].tls = true;
    items[0].tls_certificate = crt;
    items[0].tls_key = key;
    cr_assert(set_open() == 0, "%s", err.text);
    cr_assert(set.items[0].binding.length > strlen("tls-server-end-point:"));
    cr_assert(listener_set_tls_port(&set) == set.items[0].port);
    items[0].status = true;
    cr_assert(listener_set_tls_port(&set) == 0);
    listener_set_close(&set, NULL, false);
    items[0].tls_key = ecdsa;
    assert_refused("ecdsa.key");
    items[0].tls_key = empty;
    assert_refused("empty");
    items[0].tls_key = key;
    items[0].tls_certificate = empty;
    assert_refused("empty");
    items[0].tls_certificate = other_path;
    assert_refused(strerror(ENOENT));
}

Test(listener, knows_the_binding_of_a_proxys_certificate, .init = setup)
{
    static char crt[100];

    test_shell("sh %s %s >/dev/null 2>&1",
               test_source_path("tests/realm/tls.sh"), dir);
    snprintf(crt, sizeof(crt), "%s/tls.crt", dir);
    items[0] = local("a", 0600);
    items[0].channel = LISTENER_CHANNEL_PROXY;
    items[0].trusted_proxy_uid = geteuid();
    items[0].proxy_tls_certificate = crt;
    cr_assert(set_open() == 0, "%s", err.text);
    cr_assert(set.items[0].binding.length > strlen("tls-server-end-point:"));
    listener_set_close(&set, NULL, false);
    items[0].proxy_tls_certificate = other_path;
    test_write_file(other_path, "no certificate\n", 15);
    assert_refused(other_path);
}
