/* The fast twin of two loops of a desk: `place` of propose.py, `pack` of live/log.py.

   `place` knows one case, the one that comes by the thousand: a new order of one line with nothing to object
   to. It does for it what gate, decide and evolve do in Python. In every other case it answers None and has
   touched nothing, so refusals, repetitions and rare commands have one home, the readable one. It knows the
   classes of commerce/show by `learn`, which takes the places of their slots from the classes themselves;
   it must never know Redis, time or randomness. tests/commerce/desk/test_twins.py plays both against each other. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "_near.h"

#define INTERFACE 2
#define SLOTS_MOST 24
#define KINDS 10

/* -- classes and their slots --------------------------------------------------------------------------- */

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

/* The slots that are made are in the order of the class: a new field there is noticed by `learn`. */
static Kind kinds[KINDS] = {
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
static PyObject *text_order, *text_held_until, *text_append, *text_awaiting;

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

static PyObject *learn(PyObject *self, PyObject *types)
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

static inline PyObject **slot_of(PyObject *object, int kind, int slot)
{
    return (PyObject **)((char *)object + kinds[kind].at[slot]);
}

static inline PyObject *get(PyObject *object, int kind, int slot)
{
    return *slot_of(object, kind, slot); /* borrowed; NULL when it was never set */
}

/* An object of the kind with these values in its slots, in their order. */
static PyObject *made(int kind, PyObject *const *values)
{
    PyTypeObject *type = kinds[kind].type;
    PyObject *object = type->tp_alloc(type, 0);
    if (object != NULL)
        for (int i = 0; i < kinds[kind].count; i++)
            *slot_of(object, kind, i) = Py_NewRef(values[i]);
    return object;
}

/* A named tuple of the kind. */
static PyObject *tuple_of(int kind, PyObject *const *values, Py_ssize_t count)
{
    PyTypeObject *type = kinds[kind].type;
    PyObject *object = type->tp_alloc(type, count);
    if (object != NULL)
        for (Py_ssize_t i = 0; i < count; i++)
            PyTuple_SET_ITEM(object, i, Py_NewRef(values[i]));
    return object;
}

/* -- the gate ------------------------------------------------------------------------------------------ */

#define UNITS_MOST 1000000000LL
#define AMOUNT_MOST 1000000000000000LL
#define ID_MOST 64

static bool whole(PyObject *value, long long least, long long most, long long *out)
{
    if (value == NULL || !PyLong_CheckExact(value))
        return false;
    int overflow = 0;
    *out = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow == 0 && least <= *out && *out <= most;
}

static bool is_text(PyObject *value, const char *text)
{
    return value != NULL && PyUnicode_CheckExact(value) && PyUnicode_CompareWithASCIIString(value, text) == 0;
}

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

/* -- an order ------------------------------------------------------------------------------------------ */

#define SKUS_MOST 8

/* What is read of an ask and its order; everything borrowed. */
typedef struct {
    PyObject *ticket, *actor, *key, *fingerprint, *command;
    PyObject *order, *buyer, *contact, *lines, *freight, *tax, *discount, *total, *offer_id;
    long long quantity, price, sums[4];
} Wish;

static bool read_wish(PyObject *ask, long long now, Wish *w)
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

/* The pools that the order draws on, and what they and the offer will have then. */
typedef struct {
    PyObject *offer, *pools[SKUS_MOST];
    long long held[SKUS_MOST], taken, owned, goods;
    int count;
    bool limited;
} Draw;

/* Whether stock, cap, limit, price and total allow it. Borrowed references; errors stay set. */
static bool may_have(PyObject *state, const Wish *w, PyObject *owner, Draw *d)
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

static bool is_sound(PyObject *state)
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

static PyObject *place(PyObject *self, PyObject *const *args, Py_ssize_t count)
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

/* -- a letter's keys ------------------------------------------------------------------------------------- */

/* What an ask and its order are looked up by, as hashes; false: it is no plain order. */
static bool hash_keys(PyObject *ask, Py_hash_t *of_order, Py_hash_t *of_who)
{
    if (!PyTuple_Check(ask) || PyTuple_GET_SIZE(ask) != 8)
        return false;
    PyObject *actor = PyTuple_GET_ITEM(ask, 1), *key = PyTuple_GET_ITEM(ask, 2), *body = PyTuple_GET_ITEM(ask, 7);
    if (!Py_IS_TYPE(body, kinds[WISH].type) || PyTuple_GET_SIZE(body) != 8 || !PyUnicode_CheckExact(actor)
        || !PyUnicode_CheckExact(key) || !PyUnicode_CheckExact(PyTuple_GET_ITEM(body, 0)))
        return false;
    PyObject *who = PyTuple_Pack(2, actor, key);
    if (who == NULL) {
        PyErr_Clear();
        return false;
    }
    *of_order = PyObject_Hash(PyTuple_GET_ITEM(body, 0)); /* of text: never fails */
    *of_who = PyObject_Hash(who);
    Py_DECREF(who);
    return true;
}

/* Bring near what a letter's orders will be looked up in. In a show of 10^5 orders two lookups that each waited
   for far memory were all that an order cost more than in a small one. */
static PyObject *near_by(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (count != 2 || !is_sound(args[0]))
        return PyErr_Format(PyExc_TypeError, "near(state, asks)");
    PyObject *orders = get(args[0], STATE, S_ORDERS), *outcomes = get(args[0], STATE, S_OUTCOMES);
    PyObject *refusals = get(args[0], STATE, S_REFUSALS), *asks = args[1];
    if (!PyList_CheckExact(asks) || !(is_far(orders) || is_far(outcomes) || is_far(refusals)))
        Py_RETURN_NONE;
    Py_hash_t of_orders[NEAR_MOST], of_whos[NEAR_MOST];
    int found = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(asks) && found < NEAR_MOST; i++)
        found += hash_keys(PyList_GET_ITEM(asks, i), &of_orders[found], &of_whos[found]);
    bring_near(outcomes, of_whos, found);
    bring_near(refusals, of_whos, found);
    bring_near(orders, of_orders, found);
    Py_RETURN_NONE;
}

/* -- msgpack ------------------------------------------------------------------------------------------- */

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

static PyObject *pack(PyObject *self, PyObject *const *args, Py_ssize_t count)
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

/* -- the module ---------------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"learn", learn, METH_O, NULL},
    {"place", (PyCFunction)(void (*)(void))place, METH_FASTCALL, NULL},
    {"near", (PyCFunction)(void (*)(void))near_by, METH_FASTCALL, NULL},
    {"pack", (PyCFunction)(void (*)(void))pack, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void)
{
    PyObject *made_module = PyModule_Create(&module);
    text_order = PyUnicode_InternFromString("order");
    text_held_until = PyUnicode_InternFromString("held_until");
    text_append = PyUnicode_InternFromString("append");
    text_awaiting = PyUnicode_InternFromString("awaiting_payment");
    if (made_module == NULL || !text_order || !text_held_until || !text_append || !text_awaiting
        || PyModule_AddIntConstant(made_module, "interface", INTERFACE) < 0)
        Py_CLEAR(made_module);
    return made_module;
}
