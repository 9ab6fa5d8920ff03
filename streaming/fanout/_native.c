/* The fast twin of the sender (python.py says the same slowly, and the tests hold both to it).
 *
 * One thread owns all outbound state. The loop's side, in the second half of this file, holds the
 * GIL, copies what it is given into a job and queues it; the thread's side, in the first half,
 * never touches a Python object, so it needs no GIL at all. One job = one frame x many viewers:
 * per viewer the headers are written, the packets encrypted into one buffer, and the buffer leaves
 * as GSO runs (UDP_SEGMENT) inside sendmmsg.
 *
 * It must never know: a show, a person, a codec, a master key (keys.py derives), the text of SDP,
 * or how extensions are laid out (layout.py makes the bytes, here they are copied and stamped).
 * It never waits for the socket, and never encrypts one (key, SSRC, index) twice.
 *
 * The crypto is OpenSSL's EVP, found at run time by dlopen: no header or library is needed to build.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#ifndef INTERFACE
#define INTERFACE 2 /* native.py: raised with every change of what passes between C and Python */
#endif

enum {
    VIDEO, AUDIO, KINDS,
    REPEAT_WINDOW = 1024,         /* interface.py; a multiple of 64 */
    QUEUE_LIMIT_JOBS = 8192,      /* interface.py */
    MEDIA_LIMIT_JOBS = QUEUE_LIMIT_JOBS * 3 / 4,
    QUEUE_LIMIT_BYTES = 64 << 20, /* interface.py */
    PAYLOAD_LIMIT_BYTES = 1400,   /* interface.py */
    RTCP_LIMIT_BYTES = 1400,
    BLOCK_LIMIT_BYTES = 128,      /* layout.py */
    GSO_SEGMENTS = 64, GSO_BYTES = 65000, PADDING_LIMIT_BYTES = 16, /* layout.py */
    HELD_LIMIT_PACKETS = 64, FEW_FOLLOWERS = 8,                     /* sender.py */
    JOB_LIMIT_PACKETS = 256,                                        /* front.py */
    GROUP_LIMIT_PACKETS = HELD_LIMIT_PACKETS + JOB_LIMIT_PACKETS,
    TAG_LIMIT_BYTES = 16, SRTCP_INDEX_BYTES = 4,
    DATAGRAM_LIMIT_BYTES = 12 + BLOCK_LIMIT_BYTES + 2 + PAYLOAD_LIMIT_BYTES + PADDING_LIMIT_BYTES + TAG_LIMIT_BYTES,
    BATCH_BYTES = 128 << 10,      /* sent when full: what was encrypted is still in the cache */
    BATCH_MESSAGES = 512,
    BUFFER_BYTES = BATCH_BYTES + GROUP_LIMIT_PACKETS * DATAGRAM_LIMIT_BYTES,
};
#define WINDOW_PER_FOLLOWER_NS 20000LL /* sender.py */
#define WINDOW_LIMIT_NS 2000000LL      /* sender.py */
#define OVERDUE_NS 2000000LL           /* python.py */
#define LATE_AFTER_NS 500000000LL      /* interface.py */
#define INDEX_END (1LL << 48)
#define SRTCP_INDEX_END (1LL << 31)
#define NOT_FROZEN INT64_MIN
#define NEVER INT64_MAX

/* Counters are written by the thread and read by the loop; each is right by itself. */
typedef uint64_t Counter;
#define ADD(counter, n) __atomic_store_n(&(counter), (counter) + (uint64_t)(n), __ATOMIC_RELAXED)
#define READ(counter) __atomic_load_n(&(counter), __ATOMIC_RELAXED)

static int64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xFFFF);
}

static void put64(uint8_t *at, uint64_t value) {
    put32(at, (uint32_t)(value >> 32));
    put32(at + 4, (uint32_t)value);
}

static uint32_t get32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void wipe(void *secret, size_t length) {
    for (volatile uint8_t *at = secret; length; length--) *at++ = 0;
}

/* ---- crypto: OpenSSL by dlopen --------------------------------------------------------------- */

enum { EVP_CTRL_AEAD_GET_TAG = 0x10 }; /* openssl/evp.h */
typedef struct { uint64_t room[16]; } Sha1; /* SHA_CTX is 96 bytes */

static struct {
    void *(*EVP_CIPHER_CTX_new)(void);
    void (*EVP_CIPHER_CTX_free)(void *);
    const void *(*EVP_aes_128_gcm)(void);
    const void *(*EVP_aes_128_ctr)(void);
    int (*EVP_EncryptInit_ex)(void *, const void *, void *, const uint8_t *, const uint8_t *);
    int (*EVP_EncryptUpdate)(void *, uint8_t *, int *, const uint8_t *, int);
    int (*EVP_EncryptFinal_ex)(void *, uint8_t *, int *);
    int (*EVP_CIPHER_CTX_ctrl)(void *, int, int, void *);
    int (*SHA1_Init)(void *);
    int (*SHA1_Update)(void *, const void *, size_t);
    int (*SHA1_Final)(uint8_t *, void *);
    const char *(*OpenSSL_version)(int);
} ssl;

static const char *const ssl_names[] = {
    "EVP_CIPHER_CTX_new", "EVP_CIPHER_CTX_free", "EVP_aes_128_gcm", "EVP_aes_128_ctr",
    "EVP_EncryptInit_ex", "EVP_EncryptUpdate", "EVP_EncryptFinal_ex", "EVP_CIPHER_CTX_ctrl",
    "SHA1_Init", "SHA1_Update", "SHA1_Final", "OpenSSL_version",
};
static bool ssl_found = false;

/* One direction of one protocol of one viewer: session key inside `aes`, session salt, HMAC states. */
typedef struct {
    void *aes;
    uint8_t salt[14];
    bool gcm;
    Sha1 inner, outer;
} Cipher;

static bool cipher_open(Cipher *c, bool gcm, const uint8_t *key, const uint8_t *salt, const uint8_t *auth) {
    memset(c, 0, sizeof *c);
    c->gcm = gcm;
    memcpy(c->salt, salt, gcm ? 12 : 14);
    c->aes = ssl.EVP_CIPHER_CTX_new();
    if (!c->aes || ssl.EVP_EncryptInit_ex(c->aes, gcm ? ssl.EVP_aes_128_gcm() : ssl.EVP_aes_128_ctr(), NULL, key, NULL) != 1)
        return false;
    if (gcm) return true;
    uint8_t pad[64]; /* HMAC (RFC 2104): the two keyed blocks are hashed once */
    for (int i = 0; i < 64; i++) pad[i] = 0x36 ^ (i < 20 ? auth[i] : 0);
    bool done = ssl.SHA1_Init(&c->inner) == 1 && ssl.SHA1_Update(&c->inner, pad, 64) == 1;
    for (int i = 0; i < 64; i++) pad[i] ^= 0x36 ^ 0x5c;
    done = done && ssl.SHA1_Init(&c->outer) == 1 && ssl.SHA1_Update(&c->outer, pad, 64) == 1;
    wipe(pad, sizeof pad);
    return done;
}

static void cipher_close(Cipher *c) {
    if (c->aes) ssl.EVP_CIPHER_CTX_free(c->aes); /* cleanses the key schedule */
    wipe(c, sizeof *c);
}

/* Encrypt `body` of `from` into `to`. GCM also authenticates `aad` and writes 16 bytes of tag at `tag`. */
static bool gcm_seal(Cipher *c, uint32_t ssrc, uint64_t index, const uint8_t *aad, int aad_length,
                     const uint8_t *aad_end, const uint8_t *from, uint8_t *to, int length, uint8_t *tag) {
    uint8_t iv[12] = {0}; /* RFC 7714 section 8.1: 00 00 SSRC index(48), xor salt */
    put32(iv + 2, ssrc);
    put16(iv + 6, (uint32_t)(index >> 32));
    put32(iv + 8, (uint32_t)index);
    for (int i = 0; i < 12; i++) iv[i] ^= c->salt[i];
    int n;
    return ssl.EVP_EncryptInit_ex(c->aes, NULL, NULL, NULL, iv) == 1 &&
           ssl.EVP_EncryptUpdate(c->aes, NULL, &n, aad, aad_length) == 1 &&
           (!aad_end || ssl.EVP_EncryptUpdate(c->aes, NULL, &n, aad_end, SRTCP_INDEX_BYTES) == 1) &&
           (!length || ssl.EVP_EncryptUpdate(c->aes, to, &n, from, length) == 1) &&
           ssl.EVP_EncryptFinal_ex(c->aes, to + length, &n) == 1 &&
           ssl.EVP_CIPHER_CTX_ctrl(c->aes, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1;
}

static bool ctr_crypt(Cipher *c, uint32_t ssrc, uint64_t index, const uint8_t *from, uint8_t *to, int length) {
    uint8_t iv[16] = {0}; /* RFC 3711 section 4.1.1: salt * 2^16 xor SSRC * 2^64 xor index * 2^16 */
    put32(iv + 4, ssrc);
    put16(iv + 8, (uint32_t)(index >> 32));
    put32(iv + 10, (uint32_t)index);
    for (int i = 0; i < 14; i++) iv[i] ^= c->salt[i];
    int n;
    return ssl.EVP_EncryptInit_ex(c->aes, NULL, NULL, NULL, iv) == 1 &&
           (!length || ssl.EVP_EncryptUpdate(c->aes, to, &n, from, length) == 1);
}

static bool hmac_tag(Cipher *c, const uint8_t *packet, size_t length, const uint8_t *rollover, uint8_t *tag) {
    Sha1 inner = c->inner, outer = c->outer;
    uint8_t digest[20];
    bool done = ssl.SHA1_Update(&inner, packet, length) == 1 &&
                (!rollover || ssl.SHA1_Update(&inner, rollover, 4) == 1) &&
                ssl.SHA1_Final(digest, &inner) == 1 && ssl.SHA1_Update(&outer, digest, 20) == 1 &&
                ssl.SHA1_Final(digest, &outer) == 1;
    memcpy(tag, digest, 10);
    return done;
}

/* The header lies at `packet`; the body is read from `body` (it may lie behind the header already) and
 * lands behind the header. Returns the length of the SRTP packet, 0 when OpenSSL failed. */
static int protect_rtp(Cipher *c, uint8_t *packet, int header, const uint8_t *body, int length, uint64_t index) {
    uint32_t ssrc = get32(packet + 8);
    uint8_t *to = packet + header;
    if (c->gcm)
        return gcm_seal(c, ssrc, index, packet, header, NULL, body, to, length, to + length) ? header + length + 16 : 0;
    uint8_t rollover[4];
    put32(rollover, (uint32_t)(index >> 16));
    bool done = ctr_crypt(c, ssrc, index, body, to, length) &&
                hmac_tag(c, packet, (size_t)(header + length), rollover, to + length);
    return done ? header + length + 10 : 0;
}

static int protect_rtcp(Cipher *c, uint8_t *packet, int length, uint32_t index) {
    uint32_t ssrc = get32(packet + 4);
    uint8_t trailer[SRTCP_INDEX_BYTES], *body = packet + 8;
    put32(trailer, 1u << 31 | index);
    if (c->gcm) { /* RFC 7714 section 9: the tag comes before the index */
        if (!gcm_seal(c, ssrc, index, packet, 8, trailer, body, body, length - 8, packet + length)) return 0;
        memcpy(packet + length + 16, trailer, SRTCP_INDEX_BYTES);
        return length + 16 + SRTCP_INDEX_BYTES;
    }
    if (!ctr_crypt(c, ssrc, index, body, body, length - 8)) return 0;
    memcpy(packet + length, trailer, SRTCP_INDEX_BYTES); /* RFC 3711 section 3.4: the other way round */
    length += SRTCP_INDEX_BYTES;
    return hmac_tag(c, packet, (size_t)length, NULL, packet + length) ? length + 10 : 0;
}

/* ---- state that the thread owns ---------------------------------------------------------------- */

typedef struct { /* layout.py: Block */
    uint8_t octets[BLOCK_LIMIT_BYTES];
    int length, send_time_at, capture_time_at;
} Block;

typedef struct {
    uint32_t ssrc;
    int payload_type; /* -1: there is no such flow */
    Counter packets, octets;
} Flow;

typedef struct { /* the nonce law of one SSRC: repeat.py */
    int64_t newest;
    uint64_t used[REPEAT_WINDOW / 64]; /* bit of index i: i mod REPEAT_WINDOW */
} Guard;

struct Source;
typedef struct Track {
    bool present;
    Block plain, capture;
    Flow flow, rtx;
    int64_t next_rtx_index, offset;
    Guard guard;
    struct Viewer *viewer;
    struct Source *source; /* what it follows, or NULL */
    int place;             /* among the source's followers */
} Track;

typedef struct Viewer {
    int64_t id, next_rtcp_index;
    struct sockaddr_storage address;
    socklen_t address_length;
    Cipher rtp, rtcp;
    Track tracks[KINDS];
    bool gso_works;
    uint8_t cname_length;
    char cname[255];
    Counter rtcp_packets, dropped, refused, last_send_ns;
} Viewer;

typedef struct {
    int64_t sequence; /* a source's; for a resend what the viewer calls the packet */
    uint64_t capture_time;
    uint32_t timestamp;
    uint16_t length;
    bool marker, has_capture;
    const uint8_t *payload; /* inside the job */
} Packet;

typedef enum { OPEN, CLOSE, JOIN, LEAVE, MOVE, SEGMENT, EXTEND, PAUSE, FORWARD, RESEND, RTCP, REPORT, DRAIN, STOP } Verb;

typedef struct Job {
    struct Job *next;
    Verb verb;
    int64_t posted_ns, viewer, source, number; /* number: kind, offset, NTP time or ticket */
    uint32_t timestamp;
    size_t octets; /* counted against QUEUE_LIMIT_BYTES */
    Viewer *arrival;
    struct sockaddr_storage address;
    socklen_t address_length;
    int count;
    Packet *packets;
    uint8_t data[]; /* packets and payloads, or one compound, or two blocks */
} Job;

typedef struct Source {
    int64_t id, held_until_ns;
    int kind;
    Track **followers;
    int followers_count, followers_room;
    unsigned turn;
    Job *held, **held_end;
    int held_packets;
    struct Source *next_holding;
} Source;

typedef struct { /* one send: a run of datagrams of one viewer */
    Viewer *viewer;
    Flow *flow; /* NULL: RTCP */
    int frame;  /* runs of one frame share it: when one is refused the rest is dropped */
    int datagrams, octets;
    uint8_t *at;
    int length, segment;
} Run;

typedef struct Sender {
    PyObject_HEAD
    int fd, family;
    bool gso, running;
    pthread_t thread;
    /* the queue, under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t changed, drained;
    Job *first, **end;
    int jobs, peak_jobs;
    size_t octets;
    bool held;
    int64_t ticket, drained_ticket;
    Counter queue_refusals;
    /* which viewer sits where: changed by the thread under `seating`, read by the loop under it */
    pthread_mutex_t seating;
    Viewer **viewers;
    Py_ssize_t seats;
    /* the thread's own */
    Source **sources, *holding;
    Py_ssize_t sources_limit;
    int64_t frozen_ns;
    Counter seated, datagrams, sent_octets, system_calls, dropped, refused, late_jobs, gso_fallbacks, busy_ns;
    uint8_t *buffer;
    int used, runs_count, frame;
    Run runs[BATCH_MESSAGES + GROUP_LIMIT_PACKETS];
} Sender;

static Viewer *viewer_of(Sender *s, int64_t id) {
    Viewer *viewer = id < 0 ? NULL : s->viewers[id % s->seats];
    return viewer && viewer->id == id ? viewer : NULL;
}

static Source *source_of(Sender *s, int64_t id) {
    Source *source = id < 0 ? NULL : s->sources[id % s->sources_limit];
    return source && source->id == id ? source : NULL;
}

static bool guard_admits(Guard *g, int64_t index) {
    if (index < 0 || index >= INDEX_END) return false;
    if (index > g->newest) {
        int64_t ahead = index - g->newest;
        if (ahead >= REPEAT_WINDOW) memset(g->used, 0, sizeof g->used);
        else
            for (int64_t i = g->newest + 1; i < index; i++) g->used[i % REPEAT_WINDOW / 64] &= ~(1ULL << i % 64);
        g->newest = index;
    } else if (g->newest - index >= REPEAT_WINDOW || g->used[index % REPEAT_WINDOW / 64] >> index % 64 & 1)
        return false;
    g->used[index % REPEAT_WINDOW / 64] |= 1ULL << index % 64;
    return true;
}

static void viewer_free(Viewer *viewer) {
    if (!viewer) return;
    cipher_close(&viewer->rtp);
    cipher_close(&viewer->rtcp);
    PyMem_RawFree(viewer);
}

static void job_free(Job *job) {
    if (!job) return;
    viewer_free(job->arrival);
    PyMem_RawFree(job);
}

/* ---- the socket --------------------------------------------------------------------------------- */

#ifdef __linux__
#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#endif
#if defined(__linux__) && !defined(WITHOUT_SENDMMSG)
enum { HAS_SENDMMSG = true };
typedef struct mmsghdr Message;
static int send_messages(int fd, Message *messages, int count) {
    return sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT);
}
#else /* macOS, and a build of the tests: one message a call */
enum { HAS_SENDMMSG = false };
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

static void send_batch(Sender *s) {
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

static void send_when_full(Sender *s) {
    if (s->used >= BATCH_BYTES || s->runs_count >= BATCH_MESSAGES) send_batch(s);
}

/* ---- packets ------------------------------------------------------------------------------------ */

typedef struct { /* one packet of one viewer before its header is written */
    const Packet *packet;
    const Block *block;
    int64_t index;
    int body, pad; /* bytes */
} Outgoing;

static void stamp_send_time(Sender *s, uint8_t *at) { /* 24 bits of seconds, 6.18 fixed point */
    int64_t now_ns = __atomic_load_n(&s->frozen_ns, __ATOMIC_RELAXED);
    if (now_ns == NOT_FROZEN) now_ns = monotonic_ns();
    uint64_t seconds = (uint64_t)now_ns / 1000000000, rest_ns = (uint64_t)now_ns % 1000000000;
    uint32_t stamp = (uint32_t)(seconds % 64) << 18 | (uint32_t)((rest_ns << 18) / 1000000000);
    at[0] = (uint8_t)(stamp >> 16);
    put16(at + 1, stamp & 0xFFFF);
}

/* Padding makes a frame's packets equal where 16 bytes suffice: layout.py says why. */
static void choose_paddings(Outgoing *out, int count) {
    int largest = 0;
    for (int i = 0; i < count; i++)
        if (out[i].block->length + out[i].body > largest) largest = out[i].block->length + out[i].body;
    for (int i = 0; i + 1 < count; i++) {
        int wanted = largest - out[i].block->length - out[i].body;
        out[i].pad = wanted <= PADDING_LIMIT_BYTES ? wanted : 0;
    }
}

/* Header, body and padding into the buffer, encrypted. Returns the datagram's length or 0. */
static int write_datagram(Viewer *viewer, Flow *flow, const Outgoing *out, const uint8_t *stamp, bool again, uint8_t *to) {
    const Packet *packet = out->packet;
    const Block *block = out->block;
    to[0] = (uint8_t)(0x80 | (out->pad ? 0x20 : 0) | (block->length ? 0x10 : 0));
    to[1] = (uint8_t)((packet->marker ? 0x80 : 0) | flow->payload_type);
    put16(to + 2, (uint32_t)(out->index & 0xFFFF));
    put32(to + 4, packet->timestamp);
    put32(to + 8, flow->ssrc);
    memcpy(to + 12, block->octets, (size_t)block->length);
    if (block->send_time_at >= 0) memcpy(to + 12 + block->send_time_at, stamp, 3);
    if (block->capture_time_at >= 0) put64(to + 12 + block->capture_time_at, packet->capture_time);
    int header = 12 + block->length;
    const uint8_t *body = packet->payload;
    if (again || out->pad) {
        uint8_t *at = to + header;
        if (again) put16(at, (uint32_t)(packet->sequence & 0xFFFF)); /* RFC 4588 section 4: the original number */
        if (packet->length) memcpy(at + (again ? 2 : 0), packet->payload, packet->length);
        if (out->pad) {
            memset(at + out->body, 0, (size_t)out->pad);
            at[out->body + out->pad - 1] = (uint8_t)out->pad;
        }
        body = at;
    }
    return protect_rtp(&viewer->rtp, to, header, body, out->body + out->pad, (uint64_t)out->index);
}

/* Encrypt one viewer's packets behind each other and cut them into GSO runs (layout.py: runs). */
static void queue_packets(Sender *s, Viewer *viewer, Flow *flow, Outgoing *out, int count, bool again) {
    bool gso = s->gso && viewer->gso_works;
    uint8_t stamp[3];
    Run *run = NULL;
    int before = 0;
    if (!count) return;
    stamp_send_time(s, stamp);
    if (gso) choose_paddings(out, count);
    s->frame++;
    for (int i = 0; i < count; i++) {
        uint8_t *at = s->buffer + s->used;
        int length = write_datagram(viewer, flow, &out[i], stamp, again, at);
        if (!length) { /* OpenSSL failed: this packet is lost, its index is spent */
            ADD(s->dropped, 1);
            ADD(viewer->dropped, 1);
            continue;
        }
        s->used += length;
        bool joins = run && gso && before == run->segment && length <= run->segment && run->datagrams < GSO_SEGMENTS &&
                     (run->datagrams + 1) * run->segment <= GSO_BYTES;
        if (!joins) {
            run = &s->runs[s->runs_count++];
            *run = (Run){.viewer = viewer, .flow = flow, .frame = s->frame, .at = at, .segment = length};
        }
        run->datagrams++;
        run->length += length;
        run->octets += out[i].body;
        before = length;
    }
    send_when_full(s);
}

static const Block *block_of(const Track *track, const Packet *packet) {
    return packet->has_capture ? &track->capture : &track->plain;
}

static void send_frame(Sender *s, Track *track, Packet *const *packets, int count) {
    Outgoing out[GROUP_LIMIT_PACKETS];
    Viewer *viewer = track->viewer;
    int fresh = 0;
    if (!track->present) return;
    for (int i = 0; i < count; i++) {
        int64_t index = packets[i]->sequence + track->offset;
        if (guard_admits(&track->guard, index))
            out[fresh++] = (Outgoing){packets[i], block_of(track, packets[i]), index, packets[i]->length, 0};
        else {
            ADD(s->refused, 1);
            ADD(viewer->refused, 1);
        }
    }
    queue_packets(s, viewer, &track->flow, out, fresh, false);
}

static void resend(Sender *s, Track *track, const Job *job) {
    Outgoing out[JOB_LIMIT_PACKETS];
    if (!track->present || track->rtx.payload_type < 0) return;
    for (int i = 0; i < job->count; i++) {
        const Packet *packet = &job->packets[i];
        out[i] = (Outgoing){packet, block_of(track, packet), track->next_rtx_index++, 2 + packet->length, 0};
    }
    queue_packets(s, track->viewer, &track->rtx, out, job->count, true);
}

static void send_rtcp(Sender *s, Viewer *viewer, const uint8_t *compound, int length) {
    uint8_t *at = s->buffer + s->used;
    if (viewer->next_rtcp_index >= SRTCP_INDEX_END) {
        ADD(s->refused, 1);
        ADD(viewer->refused, 1);
        return;
    }
    memcpy(at, compound, (size_t)length);
    int whole = protect_rtcp(&viewer->rtcp, at, length, (uint32_t)viewer->next_rtcp_index++);
    if (!whole) return;
    s->used += whole;
    s->runs[s->runs_count++] = (Run){.viewer = viewer, .frame = ++s->frame, .datagrams = 1, .at = at, .length = whole, .segment = whole};
    send_when_full(s);
}

/* SR and SDES with a CNAME (RFC 3550 sections 6.4.1 and 6.5): wire.py. */
static int write_report(const Viewer *viewer, const Flow *flow, uint64_t ntp_time, uint32_t timestamp, uint8_t *to) {
    int item = (viewer->cname_length + 3 + 3) / 4 * 4;
    put32(to, 0x80u << 24 | 200u << 16 | 6);
    put32(to + 4, flow->ssrc);
    put64(to + 8, ntp_time);
    put32(to + 16, timestamp);
    put32(to + 20, (uint32_t)flow->packets);
    put32(to + 24, (uint32_t)flow->octets);
    put32(to + 28, 0x81u << 24 | 202u << 16 | (uint32_t)(1 + item / 4));
    put32(to + 32, flow->ssrc);
    memset(to + 36, 0, (size_t)item);
    to[36] = 1;
    to[37] = viewer->cname_length;
    memcpy(to + 38, viewer->cname, viewer->cname_length);
    return 36 + item;
}

/* ---- sources and followers ---------------------------------------------------------------------- */

static Track *follower_in_turn(Source *source, int i) {
    return source->followers[(source->turn + (unsigned)i) % (unsigned)source->followers_count];
}

static void flush_held(Sender *s, Source *source) {
    Packet *packets[GROUP_LIMIT_PACKETS];
    int count = 0;
    Job *held = source->held;
    if (!held) return;
    for (Source **at = &s->holding; *at; at = &(*at)->next_holding)
        if (*at == source) {
            *at = source->next_holding;
            break;
        }
    source->held = NULL;
    source->held_end = &source->held;
    source->held_packets = 0;
    for (Job *job = held; job; job = job->next)
        for (int i = 0; i < job->count; i++) packets[count++] = &job->packets[i];
    source->turn++;
    for (int i = 0; i < source->followers_count; i++) send_frame(s, follower_in_turn(source, i), packets, count);
    send_batch(s);
    for (Job *next; held; held = next) {
        next = held->next;
        job_free(held);
    }
}

static void unfollow(Sender *s, Track *track) {
    Source *source = track->source;
    if (!source) return;
    flush_held(s, source);
    Track *last = source->followers[--source->followers_count];
    source->followers[track->place] = last;
    last->place = track->place;
    track->source = NULL;
}

static void follow(Sender *s, Track *track, Source *source, int64_t offset) {
    flush_held(s, source); /* these packets were posted before: they follow the old segment */
    unfollow(s, track);
    if (source->followers_count == source->followers_room) {
        int room = source->followers_room ? 2 * source->followers_room : 16;
        Track **more = PyMem_RawRealloc(source->followers, sizeof *more * (size_t)room);
        if (!more) return; /* this viewer sees nothing; the others go on */
        source->followers = more;
        source->followers_room = room;
    }
    track->offset = offset;
    track->source = source;
    track->place = source->followers_count;
    source->followers[source->followers_count++] = track;
}

static void source_free(Sender *s, Source *source) {
    flush_held(s, source);
    while (source->followers_count) unfollow(s, source->followers[0]);
    s->sources[source->id % s->sources_limit] = NULL;
    PyMem_RawFree(source->followers);
    PyMem_RawFree(source);
}

static int64_t window_ns(int followers) { /* sender.py */
    int64_t window = followers * WINDOW_PER_FOLLOWER_NS;
    return followers <= FEW_FOLLOWERS ? 0 : window < WINDOW_LIMIT_NS ? window : WINDOW_LIMIT_NS;
}

/* Takes the job over: it lives until its packets have left. */
static void hold_packets(Sender *s, Source *source, Job *job) {
    bool whole = source->kind == AUDIO || job->packets[job->count - 1].marker;
    if (!source->held) {
        source->held_until_ns = monotonic_ns() + window_ns(source->followers_count);
        source->next_holding = s->holding;
        s->holding = source;
    }
    job->next = NULL;
    *source->held_end = job;
    source->held_end = &job->next;
    source->held_packets += job->count;
    if (whole || source->held_packets >= HELD_LIMIT_PACKETS) flush_held(s, source);
}

static void leave(Sender *s, Viewer *viewer) {
    for (int kind = 0; kind < KINDS; kind++) unfollow(s, &viewer->tracks[kind]);
    pthread_mutex_lock(&s->seating);
    s->viewers[viewer->id % s->seats] = NULL;
    pthread_mutex_unlock(&s->seating);
    ADD(s->seated, -1);
    viewer_free(viewer);
}

static void join(Sender *s, Job *job) {
    pthread_mutex_lock(&s->seating);
    s->viewers[job->arrival->id % s->seats] = job->arrival;
    pthread_mutex_unlock(&s->seating);
    job->arrival = NULL;
    ADD(s->seated, 1);
}

static void open_source(Sender *s, const Job *job) {
    Source *source = PyMem_RawCalloc(1, sizeof *source);
    if (!source) return;
    source->id = job->source;
    source->kind = (int)job->number;
    source->held_end = &source->held;
    s->sources[job->source % s->sources_limit] = source;
}

static void report(Sender *s, Source *source, const Job *job) {
    uint8_t compound[36 + 260];
    source->turn++;
    for (int i = 0; i < source->followers_count; i++) {
        Track *track = follower_in_turn(source, i);
        if (!track->flow.packets) continue;
        int length = write_report(track->viewer, &track->flow, (uint64_t)job->number, job->timestamp, compound);
        send_rtcp(s, track->viewer, compound, length);
    }
}

static void extend(Sender *s, Track *track, const Block *blocks) {
    if (track->source) flush_held(s, track->source); /* these packets were posted before */
    track->plain = blocks[0];
    track->capture = blocks[1];
}

/* ---- the thread --------------------------------------------------------------------------------- */

static void forward(Sender *s, Source *source, Viewer *only, Job *job) {
    Packet *packets[JOB_LIMIT_PACKETS];
    if (source && job->viewer < 0) {
        hold_packets(s, source, job);
        return;
    }
    for (int i = 0; i < job->count; i++) packets[i] = &job->packets[i];
    if (source && only) send_frame(s, &only->tracks[source->kind], packets, job->count);
    send_batch(s);
    job_free(job);
}

static void do_job(Sender *s, Job *job) {
    Viewer *viewer = viewer_of(s, job->viewer);
    Source *source = source_of(s, job->source);
    switch (job->verb) {
    case OPEN: open_source(s, job); break;
    case CLOSE: if (source) source_free(s, source); break;
    case JOIN: join(s, job); break;
    case LEAVE: if (viewer) leave(s, viewer); break;
    case MOVE:
        if (!viewer) break;
        viewer->address = job->address;
        viewer->address_length = job->address_length;
        viewer->gso_works = true; /* another path, another chance */
        break;
    case SEGMENT: if (viewer && source) follow(s, &viewer->tracks[source->kind], source, job->number); break;
    case EXTEND: if (viewer) extend(s, &viewer->tracks[job->number], (const Block *)(const void *)job->data); break;
    case PAUSE: if (viewer) unfollow(s, &viewer->tracks[job->number]); break;
    case FORWARD: forward(s, source, viewer, job); return; /* it takes the job over */
    case RESEND: if (viewer) resend(s, &viewer->tracks[job->number], job); break;
    case RTCP: if (viewer) send_rtcp(s, viewer, job->data, job->count); break;
    case REPORT: if (source) report(s, source, job); break;
    case DRAIN:
        while (s->holding) flush_held(s, s->holding);
        pthread_mutex_lock(&s->lock);
        s->drained_ticket = job->number;
        pthread_cond_broadcast(&s->drained);
        pthread_mutex_unlock(&s->lock);
        break;
    case STOP: break;
    }
    send_batch(s);
    job_free(job);
}

static bool is_media(Verb verb) { return verb >= FORWARD && verb <= REPORT; }

/* Wait on a condition until a monotonic moment. */
static void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ns) {
#ifdef __APPLE__ /* no monotonic conditions there */
    int64_t left = until_ns - monotonic_ns();
    struct timespec rest = {left > 0 ? left / 1000000000 : 0, left > 0 ? left % 1000000000 : 0};
    pthread_cond_timedwait_relative_np(condition, lock, &rest);
#else
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    pthread_cond_timedwait(condition, lock, &until);
#endif
}

static Job *take(Sender *s, int64_t until_ns) {
    Job *job = NULL;
    pthread_mutex_lock(&s->lock);
    while (s->held || !s->first) {
        if (until_ns == NEVER) pthread_cond_wait(&s->changed, &s->lock);
        else if (monotonic_ns() >= until_ns) break;
        else wait_until(&s->changed, &s->lock, until_ns);
    }
    if (!s->held && s->first) {
        job = s->first;
        s->first = job->next;
        if (!s->first) s->end = &s->first;
        s->jobs--;
        s->octets -= job->octets;
    }
    pthread_mutex_unlock(&s->lock);
    return job;
}

static void flush_due(Sender *s, int64_t moment_ns) {
    for (Source *source = s->holding, *next; source; source = next) {
        next = source->next_holding;
        if (source->held_until_ns <= moment_ns) flush_held(s, source);
    }
}

static bool is_late(Sender *s, int64_t waited_ns) {
    return waited_ns > LATE_AFTER_NS && __atomic_load_n(&s->frozen_ns, __ATOMIC_RELAXED) == NOT_FROZEN;
}

static void *sender_main(void *owner) {
    Sender *s = owner;
    for (bool stop = false; !stop;) {
        int64_t due_ns = NEVER;
        for (Source *source = s->holding; source; source = source->next_holding)
            if (source->held_until_ns < due_ns) due_ns = source->held_until_ns;
        Job *job = take(s, due_ns);
        int64_t began_ns = monotonic_ns();
        bool idle = !job;
        if (job) {
            stop = job->verb == STOP;
            if (is_media(job->verb) && is_late(s, began_ns - job->posted_ns)) {
                ADD(s->late_jobs, 1);
                job_free(job);
            } else
                do_job(s, job);
        }
        flush_due(s, idle ? began_ns : began_ns - OVERDUE_NS);
        ADD(s->busy_ns, monotonic_ns() - began_ns);
    }
    return NULL;
}

/* ==== the loop's side: everything below holds the GIL ============================================ */

static Job *job_new(Verb verb, size_t data) {
    Job *job = PyMem_RawCalloc(1, sizeof *job + data);
    if (!job) {
        PyErr_NoMemory();
        return NULL;
    }
    job->verb = verb;
    job->viewer = job->source = -1;
    job->posted_ns = monotonic_ns();
    return job;
}

/* Queue the job, or free it where there is no room. Returns a Python bool. */
static PyObject *post(Sender *s, Job *job) {
    bool media = is_media(job->verb);
    if (!s->running) {
        job_free(job);
        Py_RETURN_FALSE;
    }
    pthread_mutex_lock(&s->lock);
    bool room = s->jobs < (media ? MEDIA_LIMIT_JOBS : QUEUE_LIMIT_JOBS) &&
                (!media || s->octets + job->octets <= QUEUE_LIMIT_BYTES);
    if (room) {
        *s->end = job;
        s->end = &job->next;
        s->octets += job->octets;
        if (++s->jobs > s->peak_jobs) s->peak_jobs = s->jobs;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    if (room) Py_RETURN_TRUE;
    if (media) ADD(s->queue_refusals, 1);
    job_free(job);
    Py_RETURN_FALSE;
}

static PyObject *post_numbers(Sender *s, Verb verb, int64_t viewer, int64_t source, int64_t number) {
    Job *job = job_new(verb, 0);
    if (!job) return NULL;
    job->viewer = viewer;
    job->source = source;
    job->number = number;
    return post(s, job);
}

/* "(si)" or "(siii)" of interface.py's Address into a socket address. */
static bool read_address(Sender *s, PyObject *given, struct sockaddr_storage *to, socklen_t *length) {
    const char *host;
    int port, flow = 0, scope = 0;
    memset(to, 0, sizeof *to);
    if (!PyArg_ParseTuple(given, "si|ii", &host, &port, &flow, &scope)) return false;
    struct sockaddr_in *four = (struct sockaddr_in *)to;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
    void *place = s->family == AF_INET6 ? (void *)&six->sin6_addr : (void *)&four->sin_addr;
    *length = s->family == AF_INET6 ? sizeof *six : sizeof *four;
    to->ss_family = (sa_family_t)s->family;
    if (s->family == AF_INET6) {
        six->sin6_port = htons((uint16_t)port);
        six->sin6_flowinfo = htonl((uint32_t)flow);
        six->sin6_scope_id = (uint32_t)scope;
    } else
        four->sin_port = htons((uint16_t)port);
    if (inet_pton(s->family, host, place) == 1) return true;
    PyErr_SetString(PyExc_ValueError, "not an address of this socket's family");
    return false;
}

static bool read_block(Block *block, const char *octets, Py_ssize_t length, int send_time_at, int capture_time_at) {
    if (length > BLOCK_LIMIT_BYTES || send_time_at + 3 > length + 4 * (send_time_at < 0) ||
        capture_time_at + 8 > length + 9 * (capture_time_at < 0)) {
        PyErr_SetString(PyExc_ValueError, "extension block out of bounds");
        return false;
    }
    memcpy(block->octets, octets, (size_t)length);
    block->length = (int)length;
    block->send_time_at = send_time_at;
    block->capture_time_at = capture_time_at;
    return true;
}

static bool read_blocks(Block *two, PyObject *plain, PyObject *capture) {
    PyObject *given[2] = {plain, capture};
    for (int i = 0; i < 2; i++) {
        const char *octets;
        Py_ssize_t length;
        int send_time_at, capture_time_at;
        if (!PyArg_ParseTuple(given[i], "y#ii", &octets, &length, &send_time_at, &capture_time_at) ||
            !read_block(&two[i], octets, length, send_time_at, capture_time_at))
            return false;
    }
    return true;
}

static bool read_track(Viewer *viewer, int kind, PyObject *given) {
    Track *track = &viewer->tracks[kind];
    PyObject *plain, *capture;
    Block blocks[2] = {0};
    track->viewer = viewer;
    track->guard.newest = -1;
    if (given == Py_None) return true;
    track->present = true;
    if (!PyArg_ParseTuple(given, "IiIiLO!O!", &track->flow.ssrc, &track->flow.payload_type, &track->rtx.ssrc,
                          &track->rtx.payload_type, &track->next_rtx_index, &PyTuple_Type, &plain, &PyTuple_Type, &capture) ||
        !read_blocks(blocks, plain, capture))
        return false;
    track->plain = blocks[0];
    track->capture = blocks[1];
    return true;
}

typedef struct { const char *key, *salt, *auth; Py_ssize_t key_length, salt_length, auth_length; } Secrets;

static bool open_cipher(Cipher *cipher, bool gcm, const Secrets *k) {
    if (!ssl_found || k->key_length != 16 || k->salt_length != (gcm ? 12 : 14) || k->auth_length != (gcm ? 0 : 20)) {
        PyErr_SetString(PyExc_ValueError, "no crypto, or session keys of the wrong length");
        return false;
    }
    if (cipher_open(cipher, gcm, (const uint8_t *)k->key, (const uint8_t *)k->salt, (const uint8_t *)k->auth)) return true;
    PyErr_SetString(PyExc_OSError, "OpenSSL refused a cipher");
    return false;
}

static PyObject *Sender_join(Sender *s, PyObject *args) {
    long long id;
    int gcm;
    PyObject *address, *video, *audio;
    Secrets rtp, rtcp;
    const char *cname;
    Py_ssize_t cname_length;
    if (!PyArg_ParseTuple(args, "LOp(y#y#y#)(y#y#y#)y#OO", &id, &address, &gcm, &rtp.key, &rtp.key_length, &rtp.salt,
                          &rtp.salt_length, &rtp.auth, &rtp.auth_length, &rtcp.key, &rtcp.key_length, &rtcp.salt,
                          &rtcp.salt_length, &rtcp.auth, &rtcp.auth_length, &cname, &cname_length, &video, &audio))
        return NULL;
    Job *job = job_new(JOIN, 0);
    Viewer *viewer = job ? PyMem_RawCalloc(1, sizeof *viewer) : NULL;
    if (!viewer) {
        job_free(job);
        return PyErr_NoMemory();
    }
    job->arrival = viewer;
    viewer->id = id;
    viewer->gso_works = true;
    viewer->cname_length = (uint8_t)(cname_length > 255 ? 255 : cname_length);
    memcpy(viewer->cname, cname, viewer->cname_length);
    if (id < 0 || !read_address(s, address, &viewer->address, &viewer->address_length) ||
        !read_track(viewer, VIDEO, video) || !read_track(viewer, AUDIO, audio) ||
        !open_cipher(&viewer->rtp, gcm, &rtp) || !open_cipher(&viewer->rtcp, gcm, &rtcp)) {
        job_free(job);
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "a viewer's id is not negative");
    }
    return post(s, job);
}

/* A Python list of Packet, or of Resend (own_sequence, Packet), copied into a job. */
static Job *read_packets(Verb verb, PyObject *list) {
    Py_ssize_t count = PyList_Check(list) ? PyList_GET_SIZE(list) : 0;
    size_t octets = 0;
    if (count < 1 || count > JOB_LIMIT_PACKETS) {
        PyErr_SetString(PyExc_ValueError, "a list of 1 to 256 packets, please");
        return NULL;
    }
    Packet found[JOB_LIMIT_PACKETS];
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyList_GET_ITEM(list, i), *capture;
        long long sequence, own = 0;
        unsigned long long timestamp;
        int marker;
        Py_ssize_t length;
        const char *payload;
        if (verb == RESEND && !PyArg_ParseTuple(item, "LO!", &own, &PyTuple_Type, &item)) return NULL;
        if (!PyArg_ParseTuple(item, "LKpy#O", &sequence, &timestamp, &marker, &payload, &length, &capture)) return NULL;
        if (length > PAYLOAD_LIMIT_BYTES) {
            PyErr_SetString(PyExc_ValueError, "payload too long for a path");
            return NULL;
        }
        found[i] = (Packet){.sequence = verb == RESEND ? own : sequence, .timestamp = (uint32_t)timestamp, .marker = marker,
                            .has_capture = capture != Py_None, .length = (uint16_t)length, .payload = (const uint8_t *)payload};
        if (found[i].has_capture) found[i].capture_time = PyLong_AsUnsignedLongLongMask(capture);
        if (PyErr_Occurred()) return NULL;
        octets += (size_t)length;
    }
    Job *job = job_new(verb, sizeof(Packet) * (size_t)count + octets);
    if (!job) return NULL;
    job->count = (int)count;
    job->octets = octets;
    job->packets = (Packet *)(void *)job->data; /* `data` begins where an 8-byte value may */
    uint8_t *at = job->data + sizeof(Packet) * (size_t)count;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (found[i].length) memcpy(at, found[i].payload, found[i].length);
        job->packets[i] = found[i];
        job->packets[i].payload = at;
        at += found[i].length;
    }
    return job;
}
_Static_assert(offsetof(Job, data) % _Alignof(Packet) == 0, "packets lie in a job's data");

static PyObject *Sender_forward(Sender *s, PyObject *args) {
    long long source, only;
    PyObject *packets;
    if (!PyArg_ParseTuple(args, "LOL", &source, &packets, &only)) return NULL;
    Job *job = read_packets(FORWARD, packets);
    if (!job) return NULL;
    job->source = source;
    job->viewer = only;
    return post(s, job);
}

static PyObject *Sender_resend(Sender *s, PyObject *args) {
    long long viewer;
    int kind;
    PyObject *packets;
    if (!PyArg_ParseTuple(args, "LiO", &viewer, &kind, &packets)) return NULL;
    Job *job = read_packets(RESEND, packets);
    if (!job) return NULL;
    job->viewer = viewer;
    job->number = kind == VIDEO ? VIDEO : AUDIO;
    return post(s, job);
}

static PyObject *Sender_rtcp(Sender *s, PyObject *args) {
    long long viewer;
    const char *compound;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "Ly#", &viewer, &compound, &length)) return NULL;
    if (length < 8 || length > RTCP_LIMIT_BYTES) return PyErr_Format(PyExc_ValueError, "a compound has 8 to 1,400 bytes");
    Job *job = job_new(RTCP, (size_t)length);
    if (!job) return NULL;
    memcpy(job->data, compound, (size_t)length);
    job->count = (int)length;
    job->octets = (size_t)length;
    job->viewer = viewer;
    return post(s, job);
}

static PyObject *Sender_report(Sender *s, PyObject *args) {
    long long source;
    unsigned long long ntp_time;
    unsigned int timestamp;
    if (!PyArg_ParseTuple(args, "LKI", &source, &ntp_time, &timestamp)) return NULL;
    Job *job = job_new(REPORT, 0);
    if (!job) return NULL;
    job->source = source;
    job->number = (int64_t)ntp_time;
    job->timestamp = timestamp;
    return post(s, job);
}

static PyObject *Sender_open_source(Sender *s, PyObject *args) {
    long long source;
    int kind;
    if (!PyArg_ParseTuple(args, "Li", &source, &kind)) return NULL;
    return post_numbers(s, OPEN, -1, source, kind == VIDEO ? VIDEO : AUDIO);
}

static PyObject *Sender_close_source(Sender *s, PyObject *source) {
    long long id = PyLong_AsLongLong(source);
    return PyErr_Occurred() ? NULL : post_numbers(s, CLOSE, -1, id, 0);
}

static PyObject *Sender_leave(Sender *s, PyObject *viewer) {
    long long id = PyLong_AsLongLong(viewer);
    return PyErr_Occurred() ? NULL : post_numbers(s, LEAVE, id, -1, 0);
}

static PyObject *Sender_move(Sender *s, PyObject *args) {
    long long viewer;
    PyObject *address;
    if (!PyArg_ParseTuple(args, "LO!", &viewer, &PyTuple_Type, &address)) return NULL;
    Job *job = job_new(MOVE, 0);
    if (!job) return NULL;
    job->viewer = viewer;
    if (read_address(s, address, &job->address, &job->address_length)) return post(s, job);
    job_free(job);
    return NULL;
}

static PyObject *Sender_segment(Sender *s, PyObject *args) {
    long long viewer, source, offset;
    if (!PyArg_ParseTuple(args, "LLL", &viewer, &source, &offset)) return NULL;
    return post_numbers(s, SEGMENT, viewer, source, offset);
}

static PyObject *Sender_extend(Sender *s, PyObject *args) {
    long long viewer;
    int kind;
    PyObject *plain, *capture;
    if (!PyArg_ParseTuple(args, "LiO!O!", &viewer, &kind, &PyTuple_Type, &plain, &PyTuple_Type, &capture)) return NULL;
    Job *job = job_new(EXTEND, 2 * sizeof(Block));
    if (!job) return NULL;
    job->viewer = viewer;
    job->number = kind == VIDEO ? VIDEO : AUDIO;
    if (read_blocks((Block *)(void *)job->data, plain, capture)) return post(s, job);
    job_free(job);
    return NULL;
}

static PyObject *Sender_pause(Sender *s, PyObject *args) {
    long long viewer;
    int kind;
    if (!PyArg_ParseTuple(args, "Li", &viewer, &kind)) return NULL;
    return post_numbers(s, PAUSE, viewer, -1, kind == VIDEO ? VIDEO : AUDIO);
}

/* (video, audio and resent packets and octets, RTCP, dropped, refused, last send); zeros for a stranger. */
static PyObject *Sender_counts(Sender *s, PyObject *given) {
    uint64_t n[10] = {0};
    long long id = PyLong_AsLongLong(given);
    if (PyErr_Occurred()) return NULL;
    pthread_mutex_lock(&s->seating);
    Viewer *viewer = s->viewers ? viewer_of(s, id) : NULL;
    if (viewer) {
        for (int kind = 0; kind < KINDS; kind++) {
            Track *track = &viewer->tracks[kind];
            n[2 * kind] = READ(track->flow.packets);
            n[2 * kind + 1] = READ(track->flow.octets);
            n[4] += READ(track->rtx.packets);
            n[5] += READ(track->rtx.octets);
        }
        n[6] = READ(viewer->rtcp_packets);
        n[7] = READ(viewer->dropped);
        n[8] = READ(viewer->refused);
        n[9] = READ(viewer->last_send_ns);
    }
    pthread_mutex_unlock(&s->seating);
    return Py_BuildValue("(KKKKKKKKKK)", n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9]);
}

static PyObject *Sender_totals(Sender *s, PyObject *unused) {
    (void)unused;
    return Py_BuildValue("(KKKKKKKKKiK)", READ(s->seated), READ(s->datagrams), READ(s->sent_octets), READ(s->system_calls),
                         READ(s->dropped), READ(s->refused), READ(s->queue_refusals), READ(s->late_jobs),
                         READ(s->gso_fallbacks), s->peak_jobs, READ(s->busy_ns));
}

static PyObject *Sender_freeze(Sender *s, PyObject *now) {
    long long now_ns = now == Py_None ? NOT_FROZEN : PyLong_AsLongLong(now);
    if (PyErr_Occurred()) return NULL;
    __atomic_store_n(&s->frozen_ns, now_ns, __ATOMIC_RELAXED);
    Py_RETURN_NONE;
}

static void set_held(Sender *s, bool held) {
    pthread_mutex_lock(&s->lock);
    s->held = held;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static PyObject *Sender_hold(Sender *s, PyObject *held) {
    set_held(s, PyObject_IsTrue(held) == 1);
    Py_RETURN_NONE;
}

static PyObject *Sender_drain(Sender *s, PyObject *seconds) {
    double timeout_s = PyFloat_AsDouble(seconds);
    if (PyErr_Occurred()) return NULL;
    int64_t until_ns = monotonic_ns() + (int64_t)(timeout_s * 1e9), ticket = ++s->ticket;
    PyObject *posted = post_numbers(s, DRAIN, -1, -1, ticket);
    if (posted != Py_True) return posted;
    Py_DECREF(posted);
    bool done;
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&s->lock);
    while (s->drained_ticket < ticket && monotonic_ns() < until_ns) wait_until(&s->drained, &s->lock, until_ns);
    done = s->drained_ticket >= ticket;
    pthread_mutex_unlock(&s->lock);
    Py_END_ALLOW_THREADS
    return PyBool_FromLong(done);
}

/* Do what is queued for at most a second, then stop the thread and wipe every key. */
static void stop(Sender *s) {
    if (!s->running) return;
    set_held(s, false);
    PyObject *second = PyFloat_FromDouble(1.0), *drained = second ? Sender_drain(s, second) : NULL;
    Py_XDECREF(second);
    Py_XDECREF(drained);
    PyErr_Clear();
    Job *last = PyMem_RawCalloc(1, sizeof *last);
    if (!last) Py_FatalError("no memory to stop the sender");
    last->verb = STOP;
    last->viewer = last->source = -1;
    s->running = false;
    pthread_mutex_lock(&s->lock);
    last->next = s->first; /* before whatever could not be drained */
    s->first = last;
    if (!last->next) s->end = &last->next;
    s->jobs++;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    Py_BEGIN_ALLOW_THREADS
    pthread_join(s->thread, NULL);
    Py_END_ALLOW_THREADS
}

static void clear(Sender *s) {
    s->fd = -1; /* the socket is no longer ours */
    for (Job *job = s->first, *next; job; job = next) {
        next = job->next;
        job_free(job);
    }
    s->first = NULL;
    for (Py_ssize_t i = 0; s->sources && i < s->sources_limit; i++)
        if (s->sources[i]) source_free(s, s->sources[i]);
    pthread_mutex_lock(&s->seating);
    for (Py_ssize_t i = 0; s->viewers && i < s->seats; i++) viewer_free(s->viewers[i]);
    PyMem_RawFree(s->viewers);
    PyMem_RawFree(s->sources);
    PyMem_RawFree(s->buffer);
    s->viewers = NULL;
    s->sources = NULL;
    s->buffer = NULL;
    pthread_mutex_unlock(&s->seating);
}

static PyObject *Sender_close(Sender *s, PyObject *unused) {
    (void)unused;
    stop(s);
    clear(s);
    Py_RETURN_NONE;
}

static void Sender_dealloc(Sender *s) {
    stop(s);
    clear(s);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->seating);
    pthread_cond_destroy(&s->changed);
    pthread_cond_destroy(&s->drained);
    PyTypeObject *type = Py_TYPE(s);
    type->tp_free(s);
    Py_DECREF(type);
}

static void condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
#ifndef __APPLE__
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static bool start_thread(Sender *s) {
    sigset_t all, before;
    sigfillset(&all); /* signals are Python's business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->running = pthread_create(&s->thread, NULL, sender_main, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->running;
}

static PyObject *Sender_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    int fd, family, gso;
    Py_ssize_t seats, sources;
    static char *names[] = {"fd", "family", "seats", "sources", "gso", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "iinnp", names, &fd, &family, &seats, &sources, &gso)) return NULL;
    if (seats < 1 || sources < 1 || !ssl_found) return PyErr_Format(PyExc_ValueError, "no seats, no sources or no crypto");
    Sender *s = (Sender *)type->tp_alloc(type, 0);
    if (!s) return NULL;
    s->fd = fd;
    s->family = family;
    s->gso = gso;
    s->seats = seats;
    s->sources_limit = sources;
    s->frozen_ns = NOT_FROZEN;
    s->end = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->seating, NULL);
    condition_init(&s->changed);
    condition_init(&s->drained);
    s->viewers = PyMem_RawCalloc((size_t)seats, sizeof *s->viewers);
    s->sources = PyMem_RawCalloc((size_t)sources, sizeof *s->sources);
    s->buffer = PyMem_RawMalloc(BUFFER_BYTES);
    if (!s->viewers || !s->sources || !s->buffer || !start_thread(s)) {
        Py_DECREF(s);
        return PyErr_NoMemory();
    }
    return (PyObject *)s;
}

#define METHOD(name, how) {#name, (PyCFunction)(void (*)(void))Sender_##name, how, NULL}
static PyMethodDef sender_methods[] = {
    METHOD(open_source, METH_VARARGS), METHOD(close_source, METH_O), METHOD(join, METH_VARARGS),
    METHOD(leave, METH_O), METHOD(move, METH_VARARGS), METHOD(segment, METH_VARARGS),
    METHOD(extend, METH_VARARGS),
    METHOD(pause, METH_VARARGS), METHOD(forward, METH_VARARGS), METHOD(resend, METH_VARARGS),
    METHOD(rtcp, METH_VARARGS), METHOD(report, METH_VARARGS), METHOD(counts, METH_O),
    METHOD(totals, METH_NOARGS), METHOD(freeze, METH_O), METHOD(hold, METH_O),
    METHOD(drain, METH_O), METHOD(close, METH_NOARGS), {NULL, NULL, 0, NULL},
};

static PyType_Slot sender_slots[] = {
    {Py_tp_doc, "One thread that owns all outbound state: see sender.py."},
    {Py_tp_new, Sender_new}, {Py_tp_dealloc, Sender_dealloc}, {Py_tp_methods, sender_methods}, {0, NULL},
};
static PyType_Spec sender_spec = {"streaming.fanout._native.Sender", sizeof(Sender), 0, Py_TPFLAGS_DEFAULT, sender_slots};

/* load_crypto(path) -> version. Raises OSError when it is no OpenSSL with what we need. */
static PyObject *load_crypto(PyObject *module, PyObject *path) {
    (void)module;
    const char *name = PyUnicode_AsUTF8(path);
    if (!name) return NULL;
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) return PyErr_Format(PyExc_OSError, "%s", dlerror());
    void *found[sizeof ssl_names / sizeof *ssl_names];
    _Static_assert(sizeof found == sizeof ssl, "one name for each function");
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        if (!(found[i] = dlsym(library, ssl_names[i]))) return PyErr_Format(PyExc_OSError, "%s lacks %s", name, ssl_names[i]);
    memcpy(&ssl, found, sizeof ssl); /* the library stays open: senders use it to the end */
    ssl_found = true;
    return PyUnicode_FromString(ssl.OpenSSL_version(0));
}

/* protect(gcm, (key, salt, auth), packet, header, index) -> bytes: RTP, or RTCP where header is 0. For
 * the self-test at the start, on keys that no viewer has. */
static PyObject *protect(PyObject *module, PyObject *args) {
    (void)module;
    int gcm, header, length;
    Secrets keys;
    const char *packet;
    Py_ssize_t whole;
    unsigned long long index;
    uint8_t out[DATAGRAM_LIMIT_BYTES + SRTCP_INDEX_BYTES];
    Cipher cipher = {0};
    if (!PyArg_ParseTuple(args, "p(y#y#y#)y#iK", &gcm, &keys.key, &keys.key_length, &keys.salt, &keys.salt_length, &keys.auth,
                          &keys.auth_length, &packet, &whole, &header, &index))
        return NULL;
    if (whole < 12 || whole > PAYLOAD_LIMIT_BYTES || header < 0 || header > whole)
        return PyErr_Format(PyExc_ValueError, "packet out of bounds");
    if (!open_cipher(&cipher, gcm, &keys)) {
        cipher_close(&cipher);
        return NULL;
    }
    memcpy(out, packet, (size_t)whole);
    length = header ? protect_rtp(&cipher, out, header, out + header, (int)whole - header, index)
                    : protect_rtcp(&cipher, out, (int)whole, (uint32_t)index);
    cipher_close(&cipher);
    return PyBytes_FromStringAndSize((char *)out, length);
}

static PyMethodDef module_methods[] = {
    {"load_crypto", load_crypto, METH_O, "Find OpenSSL in a shared library; its version."},
    {"protect", protect, METH_VARARGS, "One packet, for the self-test."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", "The fast twin of the sender.", -1, module_methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) {
    PyObject *made = PyModule_Create(&module), *sender = made ? PyType_FromSpec(&sender_spec) : NULL;
    if (sender && PyModule_AddIntConstant(made, "interface", INTERFACE) == 0 &&
        PyModule_AddIntConstant(made, "has_sendmmsg", HAS_SENDMMSG) == 0 &&
        PyModule_AddObject(made, "Sender", sender) == 0)
        return made;
    Py_XDECREF(sender);
    Py_XDECREF(made);
    return NULL;
}
