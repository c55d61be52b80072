#include "gateway/http/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One end of a TCP connection, an IPv4-mapped address turned into IPv4. */
struct tcp_end {
    int family;
    uint16_t port; /* network order */
    union {
        struct in_addr in;
        struct in6_addr in6;
        uint32_t words[4];
    } address;
};

static void
tcp_end_from(struct tcp_end *out, const struct sockaddr_storage *from)
{
    memset(out, 0, sizeof(*out));
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;

        out->family = AF_INET;
        out->port = in->sin_port;
        out->address.in = in->sin_addr;
    } else {
        const struct sockaddr_in6 *in6 = (const void *)from;

        out->port = in6->sin6_port;
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            out->family = AF_INET;
            memcpy(&out->address.in, &in6->sin6_addr.s6_addr[12], 4);
        } else {
            out->family = AF_INET6;
            out->address.in6 = in6->sin6_addr;
        }
    }
}

static bool
tcp_end_is_loopback(const struct tcp_end *e)
{
    if (e->family == AF_INET)
        return ntohl(e->address.in.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&e->address.in6) != 0;
}

/* -- the owner of a loopback socket --------------------------------------- */

int
peer_diag_open(void)
{
    return socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  NETLINK_SOCK_DIAG);
}

struct diag_question {
    struct nlmsghdr header;
    struct inet_diag_req_v2 request;
};

static bool
diag_ask(int diag_fd, const struct tcp_end *owner, const struct tcp_end *other,
         uint32_t number)
{
    struct diag_question q = {
        .header = {.nlmsg_len = sizeof(q),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST,
                   .nlmsg_seq = number},
        .request = {.sdiag_family = (uint8_t)owner->family,
                    .sdiag_protocol = IPPROTO_TCP,
                    .idiag_states = UINT32_MAX},
    };
    struct inet_diag_sockid *id = &q.request.id;

    id->idiag_sport = owner->port;
    id->idiag_dport = other->port;
    memcpy(id->idiag_src, owner->address.words, sizeof(id->idiag_src));
    memcpy(id->idiag_dst, other->address.words, sizeof(id->idiag_dst));
    id->idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return send(diag_fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q);
}

/* 1 and the uid, 0 the kernel knows no such socket, -1 it does not answer.
 * A socket that its process has closed has no inode, and 0 for its uid: that
 * is nobody, not root. */
static int
diag_uid(int diag_fd, const struct tcp_end *owner, const struct tcp_end *other,
         uint32_t *uid_out)
{
    static uint32_t number;
    union {
        struct nlmsghdr header;
        char bytes[1024];
    } answer;

    if (!diag_ask(diag_fd, owner, other, ++number))
        return -1;
    for (;;) {
        ssize_t got = recv(diag_fd, &answer, sizeof(answer), 0);
        const struct inet_diag_msg *m = NLMSG_DATA(&answer.header);

        if (got < (ssize_t)sizeof(answer.header))
            return -1;
        if (answer.header.nlmsg_seq != number)
            continue;
        if (answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
            return 0;
        if (got < (ssize_t)NLMSG_LENGTH(sizeof(*m)))
            return -1;
        if (m->idiag_inode == 0 || m->id.idiag_sport != owner->port ||
            m->id.idiag_dport != other->port)
            return 0;
        *uid_out = m->idiag_uid;
        return 1;
    }
}

/* As /proc/net/tcp (IPv4) and tcp6 write an end. */
static void
tcp_end_format(const struct tcp_end *e, bool tcp6, char out[48])
{
    const uint32_t *w = e->address.words;

    if (e->family == AF_INET && !tcp6)
        snprintf(out, 48, "%08" PRIX32 ":%04X", w[0], ntohs(e->port));
    else if (e->family == AF_INET)
        snprintf(out, 48, "0000000000000000%08" PRIX32 "%08" PRIX32 ":%04X",
                 htonl(0xffff), w[0], ntohs(e->port));
    else
        snprintf(out, 48,
                 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 ":%04X",
                 w[0], w[1], w[2], w[3], ntohs(e->port));
}

static bool
proc_uid(bool tcp6, const struct tcp_end *owner, const struct tcp_end *other,
         uint32_t *uid_out)
{
    char local[48], remote[48], line[512];
    bool found = false;
    FILE *f = fopen(tcp6 ? "/proc/net/tcp6" : "/proc/net/tcp", "re");

    if (f == NULL)
        return false;
    tcp_end_format(owner, tcp6, local);
    tcp_end_format(other, tcp6, remote);
    while (!found && fgets(line, sizeof(line), f) != NULL) {
        char a[48], b[48];
        uint32_t uid;
        unsigned long inode;

        found = sscanf(line,
                       " %*d: %47s %47s %*x %*x:%*x %*x:%*x %*x %" SCNu32
                       " %*d %lu",
                       a, b, &uid, &inode) == 4 &&
                inode != 0 && strcmp(a, local) == 0 && strcmp(b, remote) == 0;
        if (found)
            *uid_out = uid;
    }
    fclose(f);
    return found;
}

static void
read_loopback_uid(struct http_peer *out, int fd, const struct tcp_end *peer,
                  int diag_fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    struct tcp_end here;
    int known = -1;

    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return;
    tcp_end_from(&here, &address);
    if (diag_fd >= 0)
        known = diag_uid(diag_fd, peer, &here, &out->uid);
    if (known < 0)
        known = (peer->family == AF_INET &&
                 proc_uid(false, peer, &here, &out->uid)) ||
                proc_uid(true, peer, &here, &out->uid);
    out->uid_known = known == 1;
}

/* -- both families -------------------------------------------------------- */

static void
read_unix(struct http_peer *out, int fd)
{
    struct ucred cred;
    socklen_t length = sizeof(cred);

    out->family = HTTP_PEER_UNIX;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) < 0 ||
        cred.uid == (uid_t)-1)
    {
        snprintf(out->text, sizeof(out->text), "unix:");
        return;
    }
    out->uid_known = true;
    out->uid = cred.uid;
    out->pid = cred.pid;
    snprintf(out->text, sizeof(out->text), "unix:uid=%u", (unsigned)cred.uid);
}

void
peer_read(struct http_peer *out, int fd,
          const struct sockaddr_storage *address, bool need_uid, int diag_fd)
{
    struct tcp_end peer;

    memset(out, 0, sizeof(*out));
    if (address->ss_family == AF_UNIX) {
        read_unix(out, fd);
        return;
    }
    if (address->ss_family != AF_INET && address->ss_family != AF_INET6)
        return;
    tcp_end_from(&peer, address);
    out->family = HTTP_PEER_TCP;
    out->loopback = tcp_end_is_loopback(&peer);
    inet_ntop(peer.family, &peer.address, out->address, sizeof(out->address));
    snprintf(out->text, sizeof(out->text),
             peer.family == AF_INET ? "%s:%u" : "[%s]:%u", out->address,
             ntohs(peer.port));
    if (need_uid && out->loopback)
        read_loopback_uid(out, fd, &peer, diag_fd);
}
