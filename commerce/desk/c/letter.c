/* A letter's keys, looked up beforehand: see near.h. */
#include "classes.h"
#include "near.h"
#include "place.h"

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
PyObject *near_by(PyObject *self, PyObject *const *args, Py_ssize_t count)
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
