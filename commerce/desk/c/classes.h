/* The classes of commerce/show as the twin sees them: where their slots are, and how one is made. */
#ifndef SILKCAST_DESK_CLASSES_H
#define SILKCAST_DESK_CLASSES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#define SLOTS_MOST 24
#define KINDS 10
#define UNITS_MOST 1000000000LL

typedef struct {
    const char *name;
    const char *slots[SLOTS_MOST];
    PyTypeObject *type;
    Py_ssize_t at[SLOTS_MOST];
    int count;
} Kind;

enum { STATE, OFFER, POOL, ORDER, PLACED, ACCEPTED, AMOUNTS, OUTCOME, REPLY, WISH };
enum { S_VERSION, S_STAGE, S_HOLD_SECONDS, S_REMEMBERS, S_ORDERS, S_OFFERS, S_POOLS, S_OWNED, S_HOLDS, S_AWAITING,
       S_OUTCOMES, S_REFUSALS };
enum { O_LINES, O_PRICE, O_CAP, O_LIMIT, O_WITHDRAWN, O_TAKEN };
enum { P_ALLOTTED, P_HELD, P_SOLD };

extern Kind kinds[KINDS];

PyObject *learn(PyObject *self, PyObject *types);
PyObject *made(int kind, PyObject *const *values);
PyObject *tuple_of(int kind, PyObject *const *values, Py_ssize_t count);
bool is_sound(PyObject *state);

static inline PyObject **slot_of(PyObject *object, int kind, int slot)
{
    return (PyObject **)((char *)object + kinds[kind].at[slot]);
}

static inline PyObject *get(PyObject *object, int kind, int slot)
{
    return *slot_of(object, kind, slot); /* borrowed; NULL when it was never set */
}

static inline bool whole(PyObject *value, long long least, long long most, long long *out)
{
    if (value == NULL || !PyLong_CheckExact(value))
        return false;
    int overflow = 0;
    *out = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow == 0 && least <= *out && *out <= most;
}

static inline bool is_text(PyObject *value, const char *text)
{
    return value != NULL && PyUnicode_CheckExact(value) && PyUnicode_CompareWithASCIIString(value, text) == 0;
}

#endif
