/* Learns the classes: the places of their slots are taken from the classes themselves. */
#include "classes.h"

#include <structmember.h>

/* The slots that are made are in the order of the class: a new field there is noticed by `learn`. */
Kind kinds[KINDS] = {
    {"State", {"version", "stage", "hold_seconds", "remembers", "orders", "offers", "pools", "owned", "holds",
               "awaiting", "outcomes", "refusals"}, NULL, {0}, 0},
    {"Offer", {"lines", "price", "cap", "limit", "withdrawn", "taken"}, NULL, {0}, 0},
    {"Pool", {"allotted", "held", "sold"}, NULL, {0}, 0},
    {"Order", {"id", "buyer", "contact", "lines", "amounts", "placed_at", "held_until", "state", "version",
               "payment"}, NULL, {0}, 0},
    {"OrderPlaced", {"order", "buyer", "contact", "lines", "goods", "freight", "tax", "discount", "total",
                     "placed_at", "held_until"}, NULL, {0}, 0},
    {"CommandAccepted", {"actor", "key", "fingerprint", "command", "result"}, NULL, {0}, 0},
    {"Amounts", {NULL}, NULL, {0}, 0},
    {"Outcome", {NULL}, NULL, {0}, 0},
    {"Reply", {NULL}, NULL, {0}, 0},
    {"PlaceOrder", {NULL}, NULL, {0}, 0},
};

static int learn_slots(Kind *kind, PyObject *type)
{
    kind->count = 0;
    for (int i = 0; i < SLOTS_MOST && kind->slots[i] != NULL; i++, kind->count++) {
        PyObject *slot = PyObject_GetAttrString(type, kind->slots[i]);
        if (slot == NULL)
            return -1;
        bool plain = Py_IS_TYPE(slot, &PyMemberDescr_Type)
                     && ((PyMemberDescrObject *)slot)->d_member->type == T_OBJECT_EX;
        if (plain)
            kind->at[i] = ((PyMemberDescrObject *)slot)->d_member->offset;
        Py_DECREF(slot);
        if (!plain) {
            PyErr_Format(PyExc_TypeError, "%s.%s is no slot", kind->name, kind->slots[i]);
            return -1;
        }
    }
    return 0;
}

PyObject *learn(PyObject *self, PyObject *types)
{
    (void)self;
    for (int i = 0; i < KINDS; i++) {
        PyObject *type = PyDict_GetItemString(types, kinds[i].name);
        if (type == NULL || !PyType_Check(type))
            return PyErr_Format(PyExc_TypeError, "no class %s", kinds[i].name);
        if (learn_slots(&kinds[i], type) < 0)
            return NULL;
        Py_XSETREF(kinds[i].type, (PyTypeObject *)Py_NewRef(type));
    }
    Py_RETURN_NONE;
}

/* An object of the kind with these values in its slots, in their order. */
PyObject *made(int kind, PyObject *const *values)
{
    PyTypeObject *type = kinds[kind].type;
    PyObject *object = type->tp_alloc(type, 0);
    if (object != NULL)
        for (int i = 0; i < kinds[kind].count; i++)
            *slot_of(object, kind, i) = Py_NewRef(values[i]);
    return object;
}

/* A named tuple of the kind. */
PyObject *tuple_of(int kind, PyObject *const *values, Py_ssize_t count)
{
    PyTypeObject *type = kinds[kind].type;
    PyObject *object = type->tp_alloc(type, count);
    if (object != NULL)
        for (Py_ssize_t i = 0; i < count; i++)
            PyTuple_SET_ITEM(object, i, Py_NewRef(values[i]));
    return object;
}

/* Whether this is a state that `learn` was told of, with all its tables. */
bool is_sound(PyObject *state)
{
    static const int tables[] = {S_ORDERS, S_OFFERS, S_POOLS, S_OWNED, S_OUTCOMES, S_REFUSALS};
    if (kinds[STATE].type == NULL || !Py_IS_TYPE(state, kinds[STATE].type))
        return false;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        PyObject *table = get(state, STATE, tables[i]);
        if (table == NULL || !PyDict_CheckExact(table))
            return false;
    }
    return get(state, STATE, S_HOLDS) != NULL && get(state, STATE, S_VERSION) != NULL;
}
