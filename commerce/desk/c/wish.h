/* What an order asks for, and what it would draw on. */
#ifndef SILKCAST_DESK_WISH_H
#define SILKCAST_DESK_WISH_H

#include "classes.h"

#define SKUS_MOST 8

/* What is read of an ask and its order; everything borrowed. */
typedef struct {
    PyObject *ticket, *actor, *key, *fingerprint, *command;
    PyObject *order, *buyer, *contact, *lines, *freight, *tax, *discount, *total, *offer_id;
    long long quantity, price, sums[4];
} Wish;

/* The pools that the order draws on, and what they and the offer will have then. */
typedef struct {
    PyObject *offer, *pools[SKUS_MOST];
    long long held[SKUS_MOST], taken, owned, goods;
    int count;
    bool limited;
} Draw;

bool read_wish(PyObject *ask, long long now, Wish *w);
bool may_have(PyObject *state, const Wish *w, PyObject *owner, Draw *d);

#endif
