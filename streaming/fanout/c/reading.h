/* From Python's arguments to jobs. Everything here holds the GIL and sets a Python error when it fails. */
#ifndef SILKCAST_READING_H
#define SILKCAST_READING_H
#include "state.h"

typedef struct { const char *key, *salt, *auth; Py_ssize_t key_length, salt_length, auth_length; } Secrets;

Job *job_new(Verb verb, size_t data);
PyObject *post(Sender *s, Job *job); /* takes the job over; a Python bool: whether there was room */
PyObject *post_numbers(Sender *s, Verb verb, int64_t viewer, int64_t source, int64_t number);
bool read_address(int family, PyObject *given, struct sockaddr_storage *to, socklen_t *length);
bool read_blocks(Block *two, PyObject *plain, PyObject *capture);
bool read_track(Viewer *viewer, int kind, PyObject *given);
bool open_cipher(Cipher *cipher, bool gcm, const Secrets *keys);
Job *read_packets(Verb verb, PyObject *list); /* of Packet, or of Resend for the verb RESEND */

#endif
