/* What Python calls: an order, a letter beforehand, a commit's events. */
#ifndef SILKCAST_DESK_PLACE_H
#define SILKCAST_DESK_PLACE_H

#include <Python.h>

int place_begin(void); /* once, before all else; -1 with an error */
PyObject *place(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *near_by(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *pack(PyObject *self, PyObject *const *args, Py_ssize_t count);

#endif
