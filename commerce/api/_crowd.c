/* The fast twin of one loop of crowd.py: the same bytes to many listeners. It writes to those with nothing in their way and
   names all others, for whom crowd.py does what is to be done. Between two events the memory of thousands of listeners
   grows cold, so what is looked at of them is read for many at once, and the interpreter's lock is given up once for all.
   Knows the slots of Listener by `learn`; must never know a show. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <stdbool.h>
#include <structmember.h>
#include <sys/socket.h>

#define INTERFACE 1
#define LISTENERS_MOST 1024
#define LOOK_YOURSELF (-1)
#define GONE (-2)
#define LINE_BYTES 64

enum { STUFFED, FD, IS_CLOSING, SLOTS };
static const char *const names[SLOTS] = {"stuffed", "fd", "is_closing"};
static Py_ssize_t at[SLOTS];
static PyTypeObject *listener_type;

static PyObject *learn(PyObject *self, PyObject *type)
{
    (void)self;
    if (!PyType_Check(type))
        return PyErr_Format(PyExc_TypeError, "learn(Listener)");
    for (int i = 0; i < SLOTS; i++) {
        PyObject *slot = PyObject_GetAttrString(type, names[i]);
        if (slot == NULL)
            return NULL;
        bool plain = Py_IS_TYPE(slot, &PyMemberDescr_Type)
                     && ((PyMemberDescrObject *)slot)->d_member->type == T_OBJECT_EX;
        if (plain)
            at[i] = ((PyMemberDescrObject *)slot)->d_member->offset;
        Py_DECREF(slot);
        if (!plain)
            return PyErr_Format(PyExc_TypeError, "Listener.%s is no slot", names[i]);
    }
    Py_XSETREF(listener_type, (PyTypeObject *)Py_NewRef(type));
    Py_RETURN_NONE;
}

static inline PyObject *get(PyObject *listener, int slot)
{
    return *(PyObject **)((char *)listener + at[slot]); /* borrowed; NULL when it was never set */
}

/* Read one byte for nothing, so that who comes for it does not wait. */
static inline void touch(const void *address)
{
    if (address != NULL)
        (void)*(const volatile char *)address;
}

/* What `may_write` will read of every listener, one kind of place after another. */
static void bring_near(PyObject *const *listeners, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++)
        for (int slot = 0; slot < SLOTS; slot++)
            touch((char *)listeners[i] + at[slot]);
    for (Py_ssize_t i = 0; i < count; i++) {
        touch(get(listeners[i], FD));
        touch(get(listeners[i], IS_CLOSING));
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *method = get(listeners[i], IS_CLOSING);
        if (method != NULL && PyCFunction_Check(method))
            touch(PyCFunction_GET_SELF(method));
    }
}

/* The socket to write to; LOOK_YOURSELF when something may be in the way; GONE with an error set. */
static int may_write(PyObject *listener)
{
    PyObject *fd = get(listener, FD), *method = get(listener, IS_CLOSING);
    if (get(listener, STUFFED) != Py_False || fd == NULL || !PyLong_CheckExact(fd) || method == NULL)
        return LOOK_YOURSELF;
    long number = PyLong_AsLong(fd);
    if (number < 0 || number > INT_MAX) {
        PyErr_Clear();
        return LOOK_YOURSELF;
    }
    PyObject *closing = PyObject_CallNoArgs(method);
    if (closing == NULL)
        return GONE;
    bool stays = closing == Py_False;
    Py_DECREF(closing);
    return stays ? (int)number : LOOK_YOURSELF;
}

/* Write to each of the sockets; what came of it takes the socket's place. */
static void write_to(Py_ssize_t *fates, Py_ssize_t count, const char *bytes, size_t size)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        if (fates[i] < 0)
            continue;
        ssize_t sent = send((int)fates[i], bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        fates[i] = sent >= 0 ? sent : errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : GONE;
    }
}

/* [(listener, fate)] of those who did not get it all. */
static PyObject *others(PyObject *const *listeners, const Py_ssize_t *fates, Py_ssize_t count, Py_ssize_t size)
{
    PyObject *found = PyList_New(0);
    for (Py_ssize_t i = 0; i < count && found != NULL; i++) {
        if (fates[i] == size)
            continue;
        PyObject *one = Py_BuildValue("(On)", listeners[i], fates[i]);
        if (one == NULL || PyList_Append(found, one) < 0)
            Py_CLEAR(found);
        Py_XDECREF(one);
    }
    return found;
}

static PyObject *tell(PyObject *self, PyObject *const *args, Py_ssize_t given)
{
    (void)self;
    Py_ssize_t fates[LISTENERS_MOST];
    if (given != 2 || !PyTuple_CheckExact(args[0]) || !PyBytes_CheckExact(args[1]) || listener_type == NULL
        || PyTuple_GET_SIZE(args[0]) > LISTENERS_MOST)
        return PyErr_Format(PyExc_TypeError, "tell(tuple of at most %d listeners, bytes)", LISTENERS_MOST);
    Py_ssize_t count = PyTuple_GET_SIZE(args[0]), size = PyBytes_GET_SIZE(args[1]);
    PyObject *const *listeners = ((PyTupleObject *)args[0])->ob_item;
    for (Py_ssize_t i = 0; i < count; i++)
        if (!Py_IS_TYPE(listeners[i], listener_type))
            return PyErr_Format(PyExc_TypeError, "a listener is none");
    bring_near(listeners, count);
    for (Py_ssize_t i = 0; i < count; i++)
        if ((fates[i] = may_write(listeners[i])) == GONE)
            return NULL;
    const char *bytes = PyBytes_AS_STRING(args[1]);
    Py_BEGIN_ALLOW_THREADS
    write_to(fates, count, bytes, (size_t)size);
    Py_END_ALLOW_THREADS
    return others(listeners, fates, count, size);
}

static PyMethodDef methods[] = {
    {"learn", learn, METH_O, NULL},
    {"tell", (PyCFunction)(void (*)(void))tell, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_crowd", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__crowd(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made == NULL || PyModule_AddIntConstant(made, "interface", INTERFACE) < 0)
        Py_CLEAR(made);
    return made;
}
