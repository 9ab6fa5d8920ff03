/* Datagrams of a socket, many at a call: a frame comes as a burst. Holds the GIL and never waits. */
#include "receive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

enum { DATAGRAM_ROOM_BYTES = 2048 }; /* receiving.py; what is longer is cut off, and then no peer's */

/* Written and read under the GIL alone, so one for the whole process suffices. */
static uint8_t room[RECEIVED_AT_ONCE][DATAGRAM_ROOM_BYTES];
static struct sockaddr_storage sources[RECEIVED_AT_ONCE];

#if defined(__linux__) && !defined(WITHOUT_SENDMMSG)
typedef struct mmsghdr Message;
static int receive_messages(int fd, Message *messages, int count) {
    return recvmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT, NULL);
}
#else
typedef struct { struct msghdr msg_hdr; unsigned msg_len; } Message;
static int receive_messages(int fd, Message *messages, int count) {
    int got = 0;
    for (; got < count; got++) {
        ssize_t length = recvmsg(fd, &messages[got].msg_hdr, MSG_DONTWAIT);
        if (length < 0) return got ? got : -1;
        messages[got].msg_len = (unsigned)length;
    }
    return got;
}
#endif

static PyObject *address_of(const struct sockaddr_storage *source) {
    char host[INET6_ADDRSTRLEN];
    if (source->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)source;
        return Py_BuildValue("(si)", inet_ntop(AF_INET, &four->sin_addr, host, sizeof host), ntohs(four->sin_port));
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)source;
    return Py_BuildValue("(siII)", inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host), ntohs(six->sin6_port),
                         ntohl(six->sin6_flowinfo), six->sin6_scope_id);
}

/* receive(fd) -> [(octets, address), …]: what is there, at most RECEIVED_AT_ONCE; errors of the socket are none. */
PyObject *receive(PyObject *module, PyObject *descriptor) {
    (void)module;
    Message messages[RECEIVED_AT_ONCE];
    struct iovec parts[RECEIVED_AT_ONCE];
    int fd = PyObject_AsFileDescriptor(descriptor);
    if (fd < 0) return NULL;
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < RECEIVED_AT_ONCE; i++) {
        parts[i] = (struct iovec){room[i], DATAGRAM_ROOM_BYTES};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &sources[i], .msg_namelen = sizeof sources[i],
                                              .msg_iov = &parts[i], .msg_iovlen = 1};
    }
    memset(sources, 0, sizeof sources);
    int count = receive_messages(fd, messages, RECEIVED_AT_ONCE);
    PyObject *list = PyList_New(count < 0 ? 0 : count), *address = NULL;
    for (int i = 0; list && i < count; i++) {
        bool same = i && !memcmp(&sources[i], &sources[i - 1], sizeof sources[i]); /* nearly always */
        if (!same) Py_XSETREF(address, address_of(&sources[i]));
        PyObject *octets = PyBytes_FromStringAndSize((const char *)room[i], messages[i].msg_len);
        PyObject *pair = octets && address ? PyTuple_Pack(2, octets, address) : NULL;
        Py_XDECREF(octets);
        if (pair) PyList_SET_ITEM(list, i, pair);
        else Py_CLEAR(list);
    }
    Py_XDECREF(address);
    return list;
}
