/* The gate of commands.py and what decide.py asks of a new order of one line. Changes nothing. */
#include "wish.h"

#define AMOUNT_MOST 1000000000000000LL
#define ID_MOST 64

static bool is_id(PyObject *value)
{
    if (value == NULL || !PyUnicode_CheckExact(value) || !PyUnicode_IS_COMPACT_ASCII(value))
        return false;
    Py_ssize_t length = PyUnicode_GET_LENGTH(value);
    const unsigned char *text = PyUnicode_1BYTE_DATA(value);
    if (length < 1 || length > ID_MOST)
        return false;
    for (Py_ssize_t i = 0; i < length; i++)
        if (text[i] < '!' || text[i] > '~')
            return false;
    return true;
}

/* Whether it is a plain order of one line in time, each value as the gate wants it. */
bool read_wish(PyObject *ask, long long now, Wish *w)
{
    long long deadline;
    if (!PyTuple_Check(ask) || PyTuple_GET_SIZE(ask) != 8)
        return false;
    w->ticket = PyTuple_GET_ITEM(ask, 0);
    w->actor = PyTuple_GET_ITEM(ask, 1);
    w->key = PyTuple_GET_ITEM(ask, 2);
    w->fingerprint = PyTuple_GET_ITEM(ask, 3);
    w->command = PyTuple_GET_ITEM(ask, 6);
    PyObject *body = PyTuple_GET_ITEM(ask, 7);
    if (!Py_IS_TYPE(body, kinds[WISH].type) || PyTuple_GET_SIZE(body) != 8 || !is_text(w->command, "PlaceOrder")
        || !whole(PyTuple_GET_ITEM(ask, 4), now, INT64_MAX, &deadline))
        return false;
    PyObject **fields[] = {&w->order, &w->buyer, &w->contact, &w->lines, &w->freight, &w->tax, &w->discount,
                           &w->total};
    for (int i = 0; i < 8; i++)
        *fields[i] = PyTuple_GET_ITEM(body, i);
    if (!PyTuple_CheckExact(w->lines) || PyTuple_GET_SIZE(w->lines) != 1)
        return false;
    PyObject *line = PyTuple_GET_ITEM(w->lines, 0);
    if (!PyTuple_Check(line) || PyTuple_GET_SIZE(line) != 3)
        return false;
    w->offer_id = PyTuple_GET_ITEM(line, 0);
    PyObject *amounts[] = {w->freight, w->tax, w->discount, w->total};
    for (int i = 0; i < 4; i++)
        if (!whole(amounts[i], 0, AMOUNT_MOST, &w->sums[i]))
            return false;
    return is_id(w->order) && is_id(w->buyer) && is_id(w->contact) && is_id(w->offer_id)
           && whole(PyTuple_GET_ITEM(line, 1), 1, UNITS_MOST, &w->quantity)
           && whole(PyTuple_GET_ITEM(line, 2), 0, AMOUNT_MOST, &w->price);
}

/* Whether stock, cap, limit, price and total allow it. Borrowed references; errors stay set. */
bool may_have(PyObject *state, const Wish *w, PyObject *owner, Draw *d)
{
    long long price, cap, limit, taken;
    d->offer = PyDict_GetItemWithError(get(state, STATE, S_OFFERS), w->offer_id);
    if (d->offer == NULL || !Py_IS_TYPE(d->offer, kinds[OFFER].type)
        || get(d->offer, OFFER, O_WITHDRAWN) != Py_False
        || !whole(get(d->offer, OFFER, O_PRICE), 0, AMOUNT_MOST, &price) || price != w->price
        || !whole(get(d->offer, OFFER, O_TAKEN), 0, INT64_MAX / 2, &taken))
        return false;
    d->taken = taken + w->quantity;
    if (get(d->offer, OFFER, O_CAP) != Py_None
        && (!whole(get(d->offer, OFFER, O_CAP), 0, INT64_MAX, &cap) || d->taken > cap))
        return false;
    d->limited = get(d->offer, OFFER, O_LIMIT) != Py_None;
    if (d->limited) {
        PyObject *owned = PyDict_GetItemWithError(get(state, STATE, S_OWNED), owner);
        d->owned = 0;
        if (PyErr_Occurred() || (owned != NULL && !whole(owned, 0, INT64_MAX / 2, &d->owned)))
            return false;
        d->owned += w->quantity;
        if (!whole(get(d->offer, OFFER, O_LIMIT), 0, INT64_MAX, &limit) || d->owned > limit)
            return false;
    }
    PyObject *skus = get(d->offer, OFFER, O_LINES);
    if (skus == NULL || !PyTuple_CheckExact(skus) || PyTuple_GET_SIZE(skus) > SKUS_MOST)
        return false;
    d->count = (int)PyTuple_GET_SIZE(skus);
    for (int i = 0; i < d->count; i++) {
        long long units, allotted, held, sold;
        PyObject *sku = PyTuple_GET_ITEM(skus, i);
        if (!PyTuple_Check(sku) || PyTuple_GET_SIZE(sku) != 2 || !whole(PyTuple_GET_ITEM(sku, 1), 1, UNITS_MOST, &units))
            return false;
        PyObject *pool = PyDict_GetItemWithError(get(state, STATE, S_POOLS), PyTuple_GET_ITEM(sku, 0));
        if (pool == NULL || !Py_IS_TYPE(pool, kinds[POOL].type)
            || !whole(get(pool, POOL, P_ALLOTTED), 0, INT64_MAX, &allotted)
            || !whole(get(pool, POOL, P_HELD), 0, INT64_MAX, &held)
            || !whole(get(pool, POOL, P_SOLD), 0, INT64_MAX, &sold) || held > allotted || sold > allotted - held
            || units * w->quantity > allotted - held - sold)
            return false;
        for (int j = 0; j < i; j++)
            if (d->pools[j] == pool)
                return false;
        d->pools[i] = pool;
        d->held[i] = held + units * w->quantity;
    }
    if (__builtin_mul_overflow(w->quantity, w->price, &d->goods) || d->goods > INT64_MAX / 4)
        return false;
    return d->goods + w->sums[0] + w->sums[1] - w->sums[2] == w->sums[3];
}
