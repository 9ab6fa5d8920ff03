/* The Python type `Ear`: reads a burst of datagrams, does what needs no Python, hands on the rest in order. */
#include "ear.h"
#include "reading.h"

#include <arpa/inet.h>
#include <errno.h>

typedef int (*Unprotect)(void *srtp, void *packet, int *length); /* of libsrtp; 0 when it is right */

typedef struct { /* packets of one frame behind one another, not handed on yet */
    PyObject *peer, *address, *payloads; /* payloads NULL: there is none */
    Plain first;
    uint16_t next;
    bool ended;
} Gathered;

typedef struct {
    PyObject_HEAD
    int fd, family;
    bool listening;
    Unprotect rtp, rtcp;
    Places places;
} Ear;

/* Written and read under the GIL alone, so one for the whole process suffices. */
static _Alignas(16) uint8_t room[RECEIVED_AT_ONCE][DATAGRAM_ROOM_BYTES];
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

static int read_burst(int fd, unsigned *lengths) {
    Message messages[RECEIVED_AT_ONCE];
    struct iovec parts[RECEIVED_AT_ONCE];
    memset(messages, 0, sizeof messages);
    memset(sources, 0, sizeof sources);
    for (int i = 0; i < RECEIVED_AT_ONCE; i++) {
        parts[i] = (struct iovec){room[i], DATAGRAM_ROOM_BYTES};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &sources[i], .msg_namelen = sizeof sources[i],
                                              .msg_iov = &parts[i], .msg_iovlen = 1};
    }
    int count = receive_messages(fd, messages, RECEIVED_AT_ONCE); /* errors of the network are passed over */
    for (int i = 0; i < count; i++) lengths[i] = messages[i].msg_len;
    return count < 0 ? 0 : count;
}

/* ---- addresses ---------------------------------------------------------------------------------- */

static Place place_of(const struct sockaddr_storage *source) {
    Place place;
    memset(&place, 0, sizeof place);
    if (source->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)source;
        memcpy(place.host, &four->sin_addr, 4);
        place.port = ntohs(four->sin_port);
    } else {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)source;
        memcpy(place.host, &six->sin6_addr, 16);
        place.scope = six->sin6_scope_id;
        place.port = ntohs(six->sin6_port);
    }
    return place;
}

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

/* ---- what is handed on -------------------------------------------------------------------------- */

/* Takes `item` over; false with a Python error set when there is no memory. */
static bool hand_on(PyObject *list, PyObject *item) {
    bool done = item && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return done;
}

static bool run_ends(PyObject *list, Gathered *run) {
    if (!run->payloads) return true;
    const Plain *first = &run->first;
    PyObject *item = Py_BuildValue("(Oi(IiiIOO)O)", run->peer, RUN, first->ssrc, first->payload_type, first->sequence,
                                   first->timestamp, run->ended ? Py_True : Py_False, run->payloads, run->address);
    Py_CLEAR(run->payloads);
    return hand_on(list, item);
}

static bool run_goes_on(PyObject *list, Gathered *run, const Known *known, const Plain *plain) {
    bool joins = run->payloads && run->peer == known->peer && !run->ended && run->next == plain->sequence &&
                 run->first.ssrc == plain->ssrc && run->first.timestamp == plain->timestamp &&
                 run->first.payload_type == plain->payload_type;
    if (!joins) {
        if (!run_ends(list, run)) return false;
        *run = (Gathered){.peer = known->peer, .address = known->address, .payloads = PyList_New(0), .first = *plain};
        if (!run->payloads) return false;
    }
    run->next = (uint16_t)(plain->sequence + 1);
    run->ended = plain->marker;
    return hand_on(run->payloads, PyBytes_FromStringAndSize((const char *)plain->payload, plain->length));
}

static bool hand_on_bytes(PyObject *list, const Known *known, Came what, const uint8_t *octets, int length) {
    return hand_on(list, Py_BuildValue("(Oiy#O)", known->peer, what, (const char *)octets, (Py_ssize_t)length, known->address));
}

static bool hand_on_as_it_came(PyObject *list, const uint8_t *octets, int length, PyObject *address) {
    return hand_on(list, address ? Py_BuildValue("(y#O)", (const char *)octets, (Py_ssize_t)length, address) : NULL);
}

static bool take_media(Ear *ear, PyObject *list, Gathered *run, const Known *known, uint8_t *packet, int length) {
    bool is_rtcp = length >= 2 && packet[1] >= 192 && packet[1] <= 223; /* RFC 5761 section 4 */
    Plain plain;
    if (length > INBOUND_LIMIT_BYTES || (is_rtcp ? ear->rtcp : ear->rtp)(known->srtp, packet, &length) != 0)
        return hand_on(list, Py_BuildValue("(OiOO)", known->peer, REFUSED, Py_None, known->address));
    if (!is_rtcp && rtp_is_plain(packet, length, known, &plain)) return run_goes_on(list, run, known, &plain);
    if (run->payloads && run->peer == known->peer && !run_ends(list, run)) return false; /* one peer's words keep their order */
    return hand_on_bytes(list, known, is_rtcp ? RTCP_COMPOUND : RTP_PACKET, packet, length);
}

/* Answer a plain check. False where it is Python's matter. */
static bool is_answered(Ear *ear, const Known *known, const uint8_t *message, int length, int i, int *said) {
    uint8_t answer[ANSWER_LIMIT_BYTES];
    bool nominates;
    if (!check_is_plain(message, length, known, &nominates)) return false;
    int own = check_answer(message, known, ear->family == AF_INET6 ? 16 : 4, answer);
    if (!own || own > length) return false; /* nobody shall make us louder than themselves */
    socklen_t size = ear->family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    bool left = sendto(ear->fd, answer, (size_t)own, MSG_DONTWAIT, (struct sockaddr *)&sources[i], size) >= 0;
    *said = (nominates ? 1 : 0) | (left ? 0 : 2);
    return true;
}

static bool take(Ear *ear, PyObject *list, Gathered *run, int i, int length, PyObject **address) {
    Place place = place_of(&sources[i]);
    Known *known = places_find(&ear->places, &place);
    uint8_t *octets = room[i];
    int said;
    if (known && length && octets[0] >= 128 && octets[0] <= 191) return take_media(ear, list, run, known, octets, length);
    if (known && length && octets[0] < 4 && is_answered(ear, known, octets, length, i, &said))
        return hand_on(list, Py_BuildValue("(OiiO)", known->peer, CHECK, said, known->address));
    if (known) return hand_on_as_it_came(list, octets, length, known->address);
    bool same = i && *address && !memcmp(&sources[i], &sources[i - 1], sizeof sources[i]);
    if (!same) Py_XSETREF(*address, address_of(&sources[i]));
    return hand_on_as_it_came(list, octets, length, *address);
}

/* receive() -> what has come, at most RECEIVED_AT_ONCE datagrams, and how many they were. */
static PyObject *Ear_receive(Ear *ear, PyObject *unused) {
    (void)unused;
    unsigned lengths[RECEIVED_AT_ONCE];
    PyObject *list = PyList_New(0), *address = NULL;
    Gathered run = {0};
    if (!list) return NULL;
    int count = read_burst(ear->fd, lengths);
    ear->listening = true; /* nobody is forgotten meanwhile, not even by a collection of garbage */
    bool done = true;
    for (int i = 0; done && i < count; i++) done = take(ear, list, &run, i, (int)lengths[i], &address);
    done = done && run_ends(list, &run);
    ear->listening = false;
    Py_XDECREF(run.payloads);
    Py_XDECREF(address);
    if (done) return Py_BuildValue("(Ni)", list, count);
    Py_DECREF(list);
    return NULL;
}

/* ---- who is known ------------------------------------------------------------------------------- */

static bool may_change(const Ear *ear) {
    if (ear->listening) PyErr_SetString(PyExc_RuntimeError, "not while datagrams are read");
    return !ear->listening;
}

/* False, without an error, where it is no address of this socket's family: nothing comes from there. */
static bool read_place(Ear *ear, PyObject *given, Place *place) {
    struct sockaddr_storage read;
    socklen_t length;
    bool done = PyTuple_Check(given) && read_address(ear->family, given, &read, &length);
    PyErr_Clear();
    if (done) *place = place_of(&read);
    return done;
}

/* know(address, peer, keys, srtp, extensions, fragment, password): see ear.py. */
static PyObject *Ear_know(Ear *ear, PyObject *args) {
    PyObject *address, *peer, *keys;
    unsigned long long srtp;
    const char *extensions, *fragment, *password;
    Py_ssize_t extensions_length, fragment_length, password_length;
    Place place;
    if (!PyArg_ParseTuple(args, "OOOKy#y#y#", &address, &peer, &keys, &srtp, &extensions, &extensions_length, &fragment,
                          &fragment_length, &password, &password_length) ||
        !may_change(ear))
        return NULL;
    if (!read_place(ear, address, &place)) Py_RETURN_NONE;
    Known *known = PyMem_Calloc(1, sizeof *known);
    if (!known) return PyErr_NoMemory();
    *known = (Known){.place = place, .peer = Py_NewRef(peer), .address = Py_NewRef(address), .keys = Py_NewRef(keys),
                     .srtp = (void *)(uintptr_t)srtp};
    for (Py_ssize_t i = 0; i < extensions_length; i++) {
        uint8_t id = (uint8_t)extensions[i];
        known->read_by_python[id / 64] |= 1ULL << id % 64;
    }
    if (fragment_length <= WORD_LIMIT_BYTES && password_length <= WORD_LIMIT_BYTES) {
        known->fragment_length = (uint8_t)fragment_length;
        known->password_length = (uint8_t)password_length;
        memcpy(known->fragment, fragment, (size_t)fragment_length);
        memcpy(known->password, password, (size_t)password_length);
    }
    if (!places_put(&ear->places, known)) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static PyObject *Ear_forget(Ear *ear, PyObject *address) {
    Place place;
    if (!may_change(ear)) return NULL;
    if (read_place(ear, address, &place)) places_drop(&ear->places, &place);
    Py_RETURN_NONE;
}

static PyObject *Ear_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    int fd, family;
    unsigned long long rtp, rtcp;
    static char *names[] = {"fd", "family", "unprotect", "unprotect_rtcp", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "iiKK", names, &fd, &family, &rtp, &rtcp)) return NULL;
    Ear *ear = (Ear *)type->tp_alloc(type, 0);
    if (!ear) return NULL;
    ear->fd = fd;
    ear->family = family;
    ear->rtp = (Unprotect)(uintptr_t)rtp;
    ear->rtcp = (Unprotect)(uintptr_t)rtcp;
    return (PyObject *)ear;
}

static int Ear_traverse(Ear *ear, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(ear));
    for (size_t i = 0; i < ear->places.size; i++) {
        const Known *known = ear->places.slots[i];
        if (!known) continue;
        Py_VISIT(known->peer);
        Py_VISIT(known->address);
        Py_VISIT(known->keys);
    }
    return 0;
}

static int Ear_clear(Ear *ear) {
    places_clear(&ear->places);
    return 0;
}

static void Ear_dealloc(Ear *ear) {
    PyTypeObject *type = Py_TYPE(ear);
    PyObject_GC_UnTrack(ear);
    places_clear(&ear->places);
    type->tp_free(ear);
    Py_DECREF(type);
}

static PyMethodDef ear_methods[] = {
    {"know", (PyCFunction)(void (*)(void))Ear_know, METH_VARARGS, "From now on do for this address what needs no Python."},
    {"forget", (PyCFunction)(void (*)(void))Ear_forget, METH_O, "Hand on whatever comes from there."},
    {"receive", (PyCFunction)(void (*)(void))Ear_receive, METH_NOARGS, "What has come, and how many datagrams it was."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot ear_slots[] = {
    {Py_tp_doc, "Reads a socket: see ear.py."}, {Py_tp_new, Ear_new}, {Py_tp_dealloc, Ear_dealloc},
    {Py_tp_traverse, Ear_traverse}, {Py_tp_clear, Ear_clear}, {Py_tp_methods, ear_methods}, {0, NULL},
};
PyType_Spec ear_spec = {"streaming.fanout._native.Ear", sizeof(Ear), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, ear_slots};
