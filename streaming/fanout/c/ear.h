/* The reading half of the socket: who is known by address, and what is done for them without Python.
 *
 * Known peers' media is decrypted (by libsrtp, through pointers that Python hands over: no key is held here)
 * and gathered into runs; a plain check of a known peer is answered. All the rest is handed on as it came.
 * Holds the GIL, never waits. Must never know a codec, a show, or who a peer is: `peer` is only handed back.
 */
#ifndef SILKCAST_EAR_H
#define SILKCAST_EAR_H
#include "base.h"
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <netinet/in.h>
#include <sys/socket.h>

enum {
    RECEIVED_AT_ONCE = 32,       /* ear.py */
    DATAGRAM_ROOM_BYTES = 2048,  /* ear.py; what is longer is cut off, and then no peer's */
    INBOUND_LIMIT_BYTES = 1500,  /* srtp.py */
    WORD_LIMIT_BYTES = 64,       /* of a fragment or a password; longer ones are Python's matter */
    HOST_BYTES = 16,
};

typedef enum { RUN, RTP_PACKET, RTCP_COMPOUND, CHECK, REFUSED } Came; /* ear.py */

typedef struct {
    uint8_t host[HOST_BYTES];
    uint32_t scope;
    uint16_t port;
} Place; /* a source address, zero where it has nothing */

typedef struct Known {
    Place place;
    PyObject *peer, *address, *keys; /* `keys` keeps alive what `srtp` points at */
    void *srtp;
    uint64_t read_by_python[4]; /* ids of header extensions: a packet that carries one is handed on whole */
    uint8_t fragment_length, password_length; /* 0: its checks are Python's matter */
    uint8_t fragment[WORD_LIMIT_BYTES], password[WORD_LIMIT_BYTES];
} Known;

/* places.c: the table of who is known. */
typedef struct { Known **slots; size_t size, count; } Places; /* a power of two, at most half full */
Known *places_find(const Places *places, const Place *place);
bool places_put(Places *places, Known *known); /* takes it over, and frees whoever was there */
void places_drop(Places *places, const Place *place);
void places_clear(Places *places);

/* rtp.c: a decrypted packet that needs no look of Python's. */
typedef struct {
    uint32_t ssrc, timestamp;
    uint16_t sequence;
    uint8_t payload_type;
    bool marker;
    const uint8_t *payload;
    int length;
} Plain;
bool rtp_is_plain(const uint8_t *packet, int length, const Known *known, Plain *plain);

/* check.c: a connectivity check of a known peer (RFC 8445), as nearly all are. */
enum { ANSWER_LIMIT_BYTES = 20 + 24 + 24 + 8 };
bool check_is_plain(const uint8_t *message, int length, const Known *known, bool *nominates);
int check_answer(const uint8_t *message, const Known *known, int host_bytes, uint8_t *answer); /* its length */

extern PyType_Spec ear_spec;

#endif
