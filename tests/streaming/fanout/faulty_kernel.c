/* Stands before libc in a test's process: sends to one port fail with one error, all others pass. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>

int faulty_port, faulty_errno, faulty_gso_alone;

static int fails(const struct msghdr *message) {
    const struct sockaddr_in *to = message->msg_name;
    if (!faulty_port || ntohs(to->sin_port) != faulty_port) return 0;
    return !faulty_gso_alone || message->msg_controllen > 0;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    static ssize_t (*real)(int, const struct msghdr *, int);
    if (!real) real = (ssize_t(*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
    if (!fails(message)) return real(fd, message, flags);
    errno = faulty_errno;
    return -1;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    static int (*real)(int, struct mmsghdr *, unsigned, int);
    if (!real) real = (int (*)(int, struct mmsghdr *, unsigned, int))dlsym(RTLD_NEXT, "sendmmsg");
    unsigned good = 0;
    while (good < count && !fails(&messages[good].msg_hdr)) good++;
    if (good) return real(fd, messages, good, flags);
    errno = faulty_errno;
    return -1;
}
