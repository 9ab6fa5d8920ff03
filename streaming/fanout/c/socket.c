/* Runs of datagrams leave by UDP_SEGMENT inside sendmmsg; what the kernel refuses is dropped, never waited for. */
#include "state.h"

#include <errno.h>
#include <netinet/in.h>

#ifdef __linux__
#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#endif
#if defined(__linux__) && !defined(WITHOUT_SENDMMSG)
const bool has_sendmmsg = true;
typedef struct mmsghdr Message;
static int send_messages(int fd, Message *messages, int count) {
    return sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT);
}
#else /* macOS, and a build of the tests: one message a call */
const bool has_sendmmsg = false;
typedef struct { struct msghdr msg_hdr; } Message;
static int send_messages(int fd, Message *messages, int count) {
    (void)count;
    return sendmsg(fd, &messages->msg_hdr, MSG_DONTWAIT) < 0 ? -1 : 1;
}
#endif

static void run_sent(Sender *s, const Run *run, int64_t now_ns) {
    ADD(s->datagrams, run->datagrams);
    ADD(s->sent_octets, run->length);
    __atomic_store_n(&run->viewer->last_send_ns, (uint64_t)now_ns, __ATOMIC_RELAXED);
    if (!run->flow) {
        ADD(run->viewer->rtcp_packets, 1);
        return;
    }
    ADD(run->flow->packets, run->datagrams);
    ADD(run->flow->octets, run->octets);
}

static void run_dropped(Sender *s, const Run *run) {
    ADD(s->dropped, run->datagrams);
    ADD(run->viewer->dropped, run->datagrams);
}

/* The kernel or the path refuses UDP_SEGMENT: the same ciphertext leaves datagram by datagram. */
static bool send_one_by_one(Sender *s, const Run *run) {
    bool all = true;
    run->viewer->gso_works = false;
    ADD(s->gso_fallbacks, 1);
    for (int at = 0; at < run->length; at += run->segment) {
        int length = run->length - at < run->segment ? run->length - at : run->segment;
        ADD(s->system_calls, 1);
        all &= sendto(s->fd, run->at + at, (size_t)length, MSG_DONTWAIT, (struct sockaddr *)&run->viewer->address,
                      run->viewer->address_length) >= 0;
    }
    return all;
}

/* What happens to a run that the kernel refused; returns how many runs are done with. */
static int run_refused(Sender *s, int i, int error, int64_t now_ns) {
    Run *run = &s->runs[i];
    if (run->datagrams > 1 && s->gso && (error == EIO || error == EINVAL) && send_one_by_one(s, run)) {
        run_sent(s, run, now_ns);
        return 1;
    }
    int done = 0; /* EAGAIN, ENOBUFS, no route: this viewer's frame is dropped, nobody waits */
    for (; i + done < s->runs_count && s->runs[i + done].frame == run->frame; done++) run_dropped(s, &s->runs[i + done]);
    return done;
}

void send_batch(Sender *s) {
    Message messages[64];
    struct iovec parts[64];
    union { char room[CMSG_SPACE(sizeof(uint16_t))]; struct cmsghdr align; } controls[64];
    int64_t now_ns = monotonic_ns();
    for (int i = 0; i < s->runs_count;) {
        int count = s->runs_count - i < 64 ? s->runs_count - i : 64;
        memset(messages, 0, sizeof messages[0] * (size_t)count);
        for (int k = 0; k < count; k++) {
            Run *run = &s->runs[i + k];
            struct msghdr *message = &messages[k].msg_hdr;
            parts[k] = (struct iovec){run->at, (size_t)run->length};
            message->msg_name = &run->viewer->address;
            message->msg_namelen = run->viewer->address_length;
            message->msg_iov = &parts[k];
            message->msg_iovlen = 1;
#ifdef __linux__
            if (run->datagrams > 1) {
                message->msg_control = controls[k].room;
                message->msg_controllen = sizeof controls[k].room;
                memset(controls[k].room, 0, sizeof controls[k].room);
                struct cmsghdr *control = CMSG_FIRSTHDR(message);
                uint16_t segment = (uint16_t)run->segment;
                control->cmsg_level = SOL_UDP;
                control->cmsg_type = UDP_SEGMENT;
                control->cmsg_len = CMSG_LEN(sizeof segment);
                memcpy(CMSG_DATA(control), &segment, sizeof segment);
            }
#endif
        }
        ADD(s->system_calls, 1);
        int sent = send_messages(s->fd, messages, count);
        if (sent < 0 && errno == EINTR) continue;
        for (int k = 0; k < sent; k++) run_sent(s, &s->runs[i + k], now_ns);
        i += sent >= 0 ? sent : run_refused(s, i, errno, now_ns);
    }
    s->runs_count = s->used = 0;
}

void send_when_full(Sender *s) {
    if (s->used >= BATCH_BYTES || s->runs_count >= BATCH_MESSAGES) send_batch(s);
}
