/* The field `events` of a commit as msgpack: two kinds of event here, all others by whoever is given. */
#include "classes.h"
#include "place.h"

#include <string.h>

typedef struct {
    unsigned char *data;
    size_t used, size;
    bool failed;
} Buffer;

static unsigned char *room(Buffer *b, size_t more)
{
    if (!b->failed && b->size - b->used < more) {
        size_t size = 2 * b->size + more;
        unsigned char *data = PyMem_Realloc(b->data, size);
        if (data == NULL)
            b->failed = true;
        else
            b->data = data, b->size = size;
    }
    if (b->failed)
        return NULL;
    unsigned char *at = b->data + b->used;
    b->used += more;
    return at;
}

static void put_bytes(Buffer *b, const void *bytes, size_t count)
{
    unsigned char *at = room(b, count);
    if (at != NULL)
        memcpy(at, bytes, count);
}

/* A mark and a big-endian number of so many bytes. */
static void put_head(Buffer *b, unsigned char mark, uint64_t value, int bytes)
{
    unsigned char *at = room(b, 1 + (size_t)bytes);
    if (at == NULL)
        return;
    *at++ = mark;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        *at++ = (unsigned char)(value >> shift);
}

static void put_count(Buffer *b, uint64_t count, unsigned char fixed, unsigned most, unsigned char wide)
{
    if (count <= most)
        put_head(b, (unsigned char)(fixed | count), 0, 0);
    else if (count <= UINT16_MAX)
        put_head(b, wide, count, 2);
    else
        put_head(b, (unsigned char)(wide + 1), count, 4);
}

static bool put_text(Buffer *b, PyObject *value)
{
    Py_ssize_t length;
    if (value == NULL || !PyUnicode_CheckExact(value))
        return false;
    const char *text = PyUnicode_AsUTF8AndSize(value, &length);
    if (text == NULL)
        return false;
    if (length > 31 && length <= UINT8_MAX)
        put_head(b, 0xd9, (uint64_t)length, 1);
    else
        put_count(b, (uint64_t)length, 0xa0, 31, 0xda);
    put_bytes(b, text, (size_t)length);
    return true;
}

static bool put_number(Buffer *b, PyObject *value)
{
    long long number;
    if (!whole(value, 0, INT64_MAX, &number))
        return false;
    if (number < 128)
        put_head(b, (unsigned char)number, 0, 0);
    else if (number <= UINT8_MAX)
        put_head(b, 0xcc, (uint64_t)number, 1);
    else if (number <= UINT16_MAX)
        put_head(b, 0xcd, (uint64_t)number, 2);
    else if (number <= UINT32_MAX)
        put_head(b, 0xce, (uint64_t)number, 4);
    else
        put_head(b, 0xcf, (uint64_t)number, 8);
    return true;
}

static bool put_plain(Buffer *b, PyObject *value)
{
    return value != NULL && (PyUnicode_CheckExact(value) ? put_text(b, value) : put_number(b, value));
}

static void put_name(Buffer *b, const char *name)
{
    size_t length = strlen(name);
    put_head(b, (unsigned char)(0xa0 | length), 0, 0);
    put_bytes(b, name, length);
}

static void put_event(Buffer *b, int kind, uint64_t schema)
{
    put_head(b, 0x93, 0, 0);
    put_name(b, kinds[kind].name);
    put_count(b, schema, 0, 127, 0);
    put_count(b, (uint64_t)kinds[kind].count, 0x80, 15, 0xde);
}

static bool put_lines(Buffer *b, PyObject *lines)
{
    static const char *const names[] = {"offer", "quantity", "price"};
    if (lines == NULL || !PyTuple_CheckExact(lines))
        return false;
    put_count(b, (uint64_t)PyTuple_GET_SIZE(lines), 0x90, 15, 0xdc);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(lines); i++) {
        PyObject *line = PyTuple_GET_ITEM(lines, i);
        if (!PyTuple_Check(line) || PyTuple_GET_SIZE(line) != 3)
            return false;
        put_head(b, 0x83, 0, 0);
        for (int j = 0; j < 3; j++) {
            put_name(b, names[j]);
            if (!put_plain(b, PyTuple_GET_ITEM(line, j)))
                return false;
        }
    }
    return true;
}

static bool put_map(Buffer *b, PyObject *map)
{
    Py_ssize_t at = 0;
    PyObject *name, *value;
    if (map == NULL || !PyDict_CheckExact(map))
        return false;
    put_count(b, (uint64_t)PyDict_GET_SIZE(map), 0x80, 15, 0xde);
    while (PyDict_Next(map, &at, &name, &value))
        if (!put_text(b, name) || !put_plain(b, value))
            return false;
    return true;
}

/* One event of the two kinds that come by the thousand; false: it has something that is not known here. */
static bool put_known(Buffer *b, PyObject *event, uint64_t schema)
{
    int kind = Py_IS_TYPE(event, kinds[PLACED].type) ? PLACED : ACCEPTED;
    if (kind == ACCEPTED && !Py_IS_TYPE(event, kinds[ACCEPTED].type))
        return false;
    put_event(b, kind, schema);
    for (int i = 0; i < kinds[kind].count; i++) {
        const char *name = kinds[kind].slots[i];
        PyObject *value = get(event, kind, i);
        put_name(b, name);
        if (!(strcmp(name, "lines") == 0    ? put_lines(b, value)
              : strcmp(name, "result") == 0 ? put_map(b, value)
                                            : put_plain(b, value)))
            return false;
    }
    return true;
}

PyObject *pack(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    Buffer b = {NULL, 0, 0, false};
    PyObject *packed = NULL;
    if (count != 3 || !PyTuple_CheckExact(args[0]) || !PyLong_CheckExact(args[1]) || kinds[PLACED].type == NULL)
        return PyErr_Format(PyExc_TypeError, "pack(events, schema, other)");
    long schema = PyLong_AsLong(args[1]);
    if (schema < 0 || schema > 127)
        return PyErr_Format(PyExc_ValueError, "schema %ld", schema);
    put_count(&b, (uint64_t)PyTuple_GET_SIZE(args[0]), 0x90, 15, 0xdc);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args[0]) && !b.failed; i++) {
        PyObject *event = PyTuple_GET_ITEM(args[0], i);
        size_t before = b.used;
        if (put_known(&b, event, (uint64_t)schema))
            continue;
        if (PyErr_Occurred())
            PyErr_Clear(); /* text that is no UTF-8: the other way says so */
        b.used = before;
        PyObject *other = PyObject_CallOneArg(args[2], event);
        if (other == NULL || !PyBytes_CheckExact(other)) {
            Py_XDECREF(other);
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_TypeError, "other(event) gives bytes");
            goto done;
        }
        put_bytes(&b, PyBytes_AS_STRING(other), (size_t)PyBytes_GET_SIZE(other));
        Py_DECREF(other);
    }
    packed = b.failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize((char *)b.data, (Py_ssize_t)b.used);
done:
    PyMem_Free(b.data);
    return packed;
}
