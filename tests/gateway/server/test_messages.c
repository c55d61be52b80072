#include "gateway/server/messages.h"

#include <dirent.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/sys/sys.h"
#include "tests/support/support.h"

SUITE(messages);

static int fds[2];
static struct message m;
static uint32_t type;
static int passed;

static void
setup(void)
{
    cr_assert(channel_pair(fds, NULL) == 0);
    memset(&m, 0x55, sizeof(m));
    passed = 99;
}

static void
teardown(void)
{
    close(fds[0]);
    close(fds[1]);
    suite_check_leaks();
}

static int
descriptors_open(void)
{
    DIR *d = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count;
}

Test(messages, arrive_as_they_were_sent, .init = setup, .fini = teardown)
{
    cr_assert(
        message_send(fds[0], MESSAGE_POLICY, UINT64_MAX, -7, "why", -1) == 0);
    cr_assert(message_receive(fds[1], &type, &m, &passed) == 1);
    cr_assert(type == MESSAGE_POLICY && m.generation == UINT64_MAX);
    cr_assert(m.result == -7 && passed == -1);
    cr_assert_str_eq(m.text, "why");
}

Test(messages, without_words_have_empty_ones, .init = setup, .fini = teardown)
{
    message_send(fds[0], MESSAGE_READY, 0, 0, NULL, -1);
    cr_assert(message_receive(fds[1], &type, &m, &passed) == 1);
    for (size_t i = 0; i < sizeof(m.text); i++)
        cr_assert(m.text[i] == '\0', "no byte of the sender's stack");
}

Test(messages, cut_words_that_are_too_long, .init = setup, .fini = teardown)
{
    char text[2 * ERROR_TEXT_MAX];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    cr_assert(message_send(fds[0], MESSAGE_FAILED, 0, 0, text, -1) == 0);
    cr_assert(message_receive(fds[1], &type, &m, &passed) == 1);
    cr_assert(strlen(m.text) == sizeof(m.text) - 1);
}

Test(messages, end_words_that_a_sender_did_not, .init = setup,
     .fini = teardown)
{
    struct message bad;

    memset(&bad, 'x', sizeof(bad));
    channel_send(fds[0], MESSAGE_FAILED, &bad, sizeof(bad), -1);
    cr_assert(message_receive(fds[1], &type, &m, &passed) == 1);
    cr_assert(strlen(m.text) == sizeof(m.text) - 1);
}

Test(messages, take_a_descriptor_along, .init = setup, .fini = teardown)
{
    int file = memory_file_new("keytab", "bytes", 5, NULL);
    struct stat sent, got;

    cr_assert(message_send(fds[0], MESSAGE_KEYTAB, 0, 0, NULL, file) == 0);
    fstat(file, &sent);
    close(file);
    cr_assert(message_receive(fds[1], &type, &m, &passed) == 1);
    cr_assert(type == MESSAGE_KEYTAB && passed >= 0);
    cr_assert(fstat(passed, &got) == 0 && got.st_ino == sent.st_ino);
    close(passed);
}

Test(messages, of_another_size_are_refused_with_their_descriptor,
     .init = setup, .fini = teardown)
{
    static const size_t sizes[] = {0, 1, sizeof(struct message) - 1,
                                   sizeof(struct message) + 1,
                                   CHANNEL_BODY_MAX};
    static const char bytes[CHANNEL_BODY_MAX];
    int before = descriptors_open();

    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        cr_assert(
            channel_send(fds[0], MESSAGE_READY, bytes, sizes[i], fds[0]) == 0);
        cr_assert(message_receive(fds[1], &type, &m, &passed) == -1,
                  "%zu bytes", sizes[i]);
        cr_assert(passed == -1);
    }
    cr_assert(descriptors_open() == before);
}

Test(messages, with_no_frame_are_refused, .init = setup, .fini = teardown)
{
    cr_assert(send(fds[0], "abc", 3, 0) == 3);
    cr_assert(message_receive(fds[1], &type, &m, &passed) == -1);
    cr_assert(passed == -1);
}

Test(messages, are_none_or_never_again, .init = setup, .fini = teardown)
{
    cr_assert(message_receive(fds[1], &type, &m, &passed) == 0);
    cr_assert(passed == -1);
    close(fds[0]);
    cr_assert(message_receive(fds[1], &type, &m, &passed) == -1);
    cr_assert(message_send(fds[1], MESSAGE_READY, 0, 0, NULL, -1) == -1);
    fds[0] = -1;
}
