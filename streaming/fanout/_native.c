/* The fast twin of the sender (python.py says the same slowly, and the tests hold both to it), and the way
 * to the other half of the socket, the ear (c/ear.h).
 *
 * One thread owns all outbound state. This file is the loop's side: it holds the GIL, copies what it is
 * given into a job and queues it. The thread's side is in c/ and never touches a Python object. One
 * job = one frame x many viewers: per viewer the headers are written, the packets encrypted into one
 * buffer, and the buffer leaves as GSO runs (UDP_SEGMENT) inside sendmmsg. Read state.h first.
 *
 * All of it must never know: a show, a person, a codec, a master key (keys.py derives), the text of SDP,
 * or how extensions are laid out (layout.py makes the bytes, here they are copied and stamped).
 * It never waits for the socket, and never encrypts one (key, SSRC, index) twice.
 */
#include "c/reading.h"
#include "c/ear.h"

#include <dlfcn.h>
#include <signal.h>

#ifndef INTERFACE
#define INTERFACE 4 /* native.py: raised with every change of what passes between C and Python */
#endif

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
    if (id < 0 || !read_address(s->family, address, &viewer->address, &viewer->address_length) ||
        !read_track(viewer, VIDEO, video) || !read_track(viewer, AUDIO, audio) ||
        !open_cipher(&viewer->rtp, gcm, &rtp) || !open_cipher(&viewer->rtcp, gcm, &rtcp)) {
        job_free(job);
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "a viewer's id is not negative");
    }
    return post(s, job);
}

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
    if (read_address(s->family, address, &job->address, &job->address_length)) return post(s, job);
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
    if (seats < 1 || sources < 1 || !crypto_version()) return PyErr_Format(PyExc_ValueError, "no seats, no sources or no crypto");
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
    const char *lacks = crypto_load(name);
    if (!lacks) return PyUnicode_FromString(crypto_version());
    if (!*lacks) return PyErr_Format(PyExc_OSError, "%s", dlerror());
    return PyErr_Format(PyExc_OSError, "%s lacks %s", name, lacks);
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
    PyObject *ear = sender ? PyType_FromSpec(&ear_spec) : NULL;
    if (ear && PyModule_AddIntConstant(made, "interface", INTERFACE) == 0 &&
        PyModule_AddIntConstant(made, "has_sendmmsg", has_sendmmsg) == 0 &&
        PyModule_AddObjectRef(made, "Sender", sender) == 0 && PyModule_AddObjectRef(made, "Ear", ear) == 0) {
        Py_DECREF(sender);
        Py_DECREF(ear);
        return made;
    }
    Py_XDECREF(sender);
    Py_XDECREF(ear);
    Py_XDECREF(made);
    return NULL;
}
