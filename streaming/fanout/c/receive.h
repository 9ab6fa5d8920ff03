/* The reading half of the socket. */
#ifndef SILKCAST_RECEIVE_H
#define SILKCAST_RECEIVE_H
#include "base.h"
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <sys/socket.h>

enum { RECEIVED_AT_ONCE = 32 }; /* receiving.py */

PyObject *receive(PyObject *module, PyObject *descriptor);

#endif
