/* Python's arguments become jobs; a job is queued, or freed where there is no room. Holds the GIL. */
#include "reading.h"

#include <arpa/inet.h>
#include <netinet/in.h>

Job *job_new(Verb verb, size_t data) {
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
PyObject *post(Sender *s, Job *job) {
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

PyObject *post_numbers(Sender *s, Verb verb, int64_t viewer, int64_t source, int64_t number) {
    Job *job = job_new(verb, 0);
    if (!job) return NULL;
    job->viewer = viewer;
    job->source = source;
    job->number = number;
    return post(s, job);
}

/* "(si)" or "(siii)" of interface.py's Address into a socket address. */
bool read_address(int family, PyObject *given, struct sockaddr_storage *to, socklen_t *length) {
    const char *host;
    int port, flow = 0, scope = 0;
    memset(to, 0, sizeof *to);
    if (!PyArg_ParseTuple(given, "si|ii", &host, &port, &flow, &scope)) return false;
    struct sockaddr_in *four = (struct sockaddr_in *)to;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
    void *place = family == AF_INET6 ? (void *)&six->sin6_addr : (void *)&four->sin_addr;
    *length = family == AF_INET6 ? sizeof *six : sizeof *four;
    to->ss_family = (sa_family_t)family;
    if (family == AF_INET6) {
        six->sin6_port = htons((uint16_t)port);
        six->sin6_flowinfo = htonl((uint32_t)flow);
        six->sin6_scope_id = (uint32_t)scope;
    } else
        four->sin_port = htons((uint16_t)port);
    if (inet_pton(family, host, place) == 1) return true;
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

bool read_blocks(Block *two, PyObject *plain, PyObject *capture) {
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

bool read_track(Viewer *viewer, int kind, PyObject *given) {
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

bool open_cipher(Cipher *cipher, bool gcm, const Secrets *k) {
    if (!crypto_version() || k->key_length != 16 || k->salt_length != (gcm ? 12 : 14) || k->auth_length != (gcm ? 0 : 20)) {
        PyErr_SetString(PyExc_ValueError, "no crypto, or session keys of the wrong length");
        return false;
    }
    if (cipher_open(cipher, gcm, (const uint8_t *)k->key, (const uint8_t *)k->salt, (const uint8_t *)k->auth)) return true;
    PyErr_SetString(PyExc_OSError, "OpenSSL refused a cipher");
    return false;
}

/* A Python list of Packet, or of Resend (own_sequence, Packet), copied into a job. */
Job *read_packets(Verb verb, PyObject *list) {
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
