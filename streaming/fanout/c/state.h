/* What the sender's thread owns, and the jobs by which the loop tells it what to do.
 *
 * socket.c sends, packets.c writes and encrypts, thread.c knows who follows what and does the jobs;
 * reading.c and _native.c are the loop's side and the only ones that touch Python objects.
 */
#ifndef SILKCAST_STATE_H
#define SILKCAST_STATE_H
#include "base.h"
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <sys/socket.h>

#include "crypto.h"

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

static inline Viewer *viewer_of(Sender *s, int64_t id) {
    Viewer *viewer = id < 0 ? NULL : s->viewers[id % s->seats];
    return viewer && viewer->id == id ? viewer : NULL;
}

static inline Source *source_of(Sender *s, int64_t id) {
    Source *source = id < 0 ? NULL : s->sources[id % s->sources_limit];
    return source && source->id == id ? source : NULL;
}

/* socket.c */
extern const bool has_sendmmsg;
void send_batch(Sender *s);
void send_when_full(Sender *s); /* what was encrypted is still in the cache */

/* packets.c */
enum { EXPECTED_STEPS = 3 };
void expect_frame(const Track *track, int steps); /* its send_frame is so many steps away: see there */
void send_frame(Sender *s, Track *track, Packet *const *packets, int count);
void resend(Sender *s, Track *track, const Job *job);
void send_rtcp(Sender *s, Viewer *viewer, const uint8_t *compound, int length);
void send_report(Sender *s, Track *track, uint64_t ntp_time, uint32_t timestamp);

/* thread.c */
void *sender_main(void *sender);
bool is_media(Verb verb);
void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ns); /* monotonic */
void job_free(Job *job);
void viewer_free(Viewer *viewer);
void source_free(Sender *s, Source *source);

#endif
