/* A new order that nothing speaks against: what decide and evolve do with it, and its reply. */
#include "place.h"
#include "wish.h"

static PyObject *text_order, *text_held_until, *text_append, *text_awaiting;

static int put_whole(PyObject *object, int kind, int slot, long long value)
{
    PyObject *number = PyLong_FromLongLong(value);
    if (number == NULL)
        return -1;
    Py_XSETREF(*slot_of(object, kind, slot), number);
    return 0;
}

/* What evolve does with OrderPlaced: the tables of a state that remembers. */
static int evolve(PyObject *state, const Wish *w, const Draw *d, PyObject *owner, PyObject *order)
{
    long long awaiting;
    if (!whole(get(state, STATE, S_AWAITING), 0, INT64_MAX - 1, &awaiting)) {
        PyErr_SetString(PyExc_ValueError, "State.awaiting is no count");
        return -1;
    }
    PyObject *held = PyObject_CallMethodOneArg(get(state, STATE, S_HOLDS), text_append, w->order);
    if (held == NULL)
        return -1;
    Py_DECREF(held);
    if (PyDict_SetItem(get(state, STATE, S_ORDERS), w->order, order) < 0
        || put_whole(state, STATE, S_AWAITING, awaiting + 1) < 0
        || put_whole(d->offer, OFFER, O_TAKEN, d->taken) < 0)
        return -1;
    for (int i = 0; i < d->count; i++)
        if (put_whole(d->pools[i], POOL, P_HELD, d->held[i]) < 0)
            return -1;
    if (d->limited) {
        PyObject *owned = PyLong_FromLongLong(d->owned);
        int put = owned == NULL ? -1 : PyDict_SetItem(get(state, STATE, S_OWNED), owner, owned);
        Py_XDECREF(owned);
        return put;
    }
    return 0;
}

/* Make what the order leaves behind, and leave it; the reply. */
static PyObject *keep(PyObject *state, PyObject *now, PyObject *until, PyObject *events, const Wish *w,
                      const Draw *d, PyObject *who, PyObject *owner)
{
    PyObject *version = get(state, STATE, S_VERSION);
    PyObject *reply = NULL, *goods = NULL, *amounts = NULL, *order = NULL, *placed = NULL;
    PyObject *result = NULL, *accepted = NULL, *outcome = NULL;
    if ((goods = PyLong_FromLongLong(d->goods)) == NULL)
        goto done;
    PyObject *sums[] = {goods, w->freight, w->tax, w->discount, w->total};
    if ((amounts = tuple_of(AMOUNTS, sums, 5)) == NULL || (result = PyDict_New()) == NULL
        || PyDict_SetItem(result, text_order, w->order) < 0 || PyDict_SetItem(result, text_held_until, until) < 0)
        goto done;
    PyObject *of_order[] = {w->order, w->buyer, w->contact, w->lines, amounts, now, until, text_awaiting, version,
                            Py_None};
    PyObject *of_placed[] = {w->order, w->buyer, w->contact, w->lines, goods, w->freight, w->tax, w->discount,
                             w->total, now, until};
    PyObject *of_accepted[] = {w->actor, w->key, w->fingerprint, w->command, result};
    PyObject *of_outcome[] = {w->fingerprint, version, Py_True, result};
    PyObject *of_reply[] = {w->ticket, version, Py_True, result};
    if ((order = made(ORDER, of_order)) == NULL || (placed = made(PLACED, of_placed)) == NULL
        || (accepted = made(ACCEPTED, of_accepted)) == NULL || (outcome = tuple_of(OUTCOME, of_outcome, 4)) == NULL
        || evolve(state, w, d, owner, order) < 0 || PyList_Append(events, placed) < 0)
        goto done;
    if (PyDict_SetItem(get(state, STATE, S_OUTCOMES), who, outcome) == 0 && PyList_Append(events, accepted) == 0)
        reply = tuple_of(REPLY, of_reply, 4);
done:
    Py_XDECREF(goods);
    Py_XDECREF(amounts);
    Py_XDECREF(order);
    Py_XDECREF(placed);
    Py_XDECREF(result);
    Py_XDECREF(accepted);
    Py_XDECREF(outcome);
    return reply;
}

/* Whether it was asked before or the order's name is taken: 1, 0, or -1 with an error. */
static int is_known(PyObject *state, PyObject *who, PyObject *order)
{
    int known = PyDict_Contains(get(state, STATE, S_OUTCOMES), who);
    if (known == 0 && PyDict_GET_SIZE(get(state, STATE, S_REFUSALS)) > 0)
        known = PyDict_Contains(get(state, STATE, S_REFUSALS), who);
    return known == 0 ? PyDict_Contains(get(state, STATE, S_ORDERS), order) : known;
}

PyObject *place(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    long long now, hold_seconds;
    Wish wish;
    Draw draw;
    if (count != 4 || !is_sound(args[0]) || !PyList_CheckExact(args[3]))
        return PyErr_Format(PyExc_TypeError, "place(state, ask, now, events)");
    PyObject *state = args[0];
    if (get(state, STATE, S_REMEMBERS) != Py_True || !whole(args[2], 0, INT64_MAX / 4, &now)
        || !read_wish(args[1], now, &wish)
        || !is_text(get(state, STATE, S_STAGE), "opened")
        || !whole(get(state, STATE, S_HOLD_SECONDS), 0, UNITS_MOST, &hold_seconds))
        Py_RETURN_NONE;
    PyObject *reply = NULL, *owner = NULL, *until = NULL;
    PyObject *who = PyTuple_Pack(2, wish.actor, wish.key);
    int known = who == NULL ? -1 : is_known(state, who, wish.order);
    if (known > 0)
        reply = Py_NewRef(Py_None);
    if (known != 0 || (owner = PyTuple_Pack(2, wish.buyer, wish.offer_id)) == NULL)
        goto done;
    if (!may_have(state, &wish, owner, &draw))
        reply = PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    else if ((until = PyLong_FromLongLong(now + hold_seconds * 1000)) != NULL)
        reply = keep(state, args[2], until, args[3], &wish, &draw, who, owner);
done:
    Py_XDECREF(who);
    Py_XDECREF(owner);
    Py_XDECREF(until);
    return reply;
}

int place_begin(void)
{
    text_order = PyUnicode_InternFromString("order");
    text_held_until = PyUnicode_InternFromString("held_until");
    text_append = PyUnicode_InternFromString("append");
    text_awaiting = PyUnicode_InternFromString("awaiting_payment");
    return text_order && text_held_until && text_append && text_awaiting ? 0 : -1;
}
