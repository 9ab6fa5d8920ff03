/* Who is known by address: open addressing, so that a look costs one place of memory and one of the peer's. */
#include "ear.h"

enum { FIRST_SLOTS = 64 };

static size_t start_of(const Places *places, const Place *place) {
    uint64_t mixed[3] = {0}, sum = 0;
    memcpy(mixed, place, sizeof *place);
    for (int i = 0; i < 3; i++) sum = (sum ^ mixed[i]) * 0x9E3779B97F4A7C15ULL;
    return (size_t)(sum >> 32) & (places->size - 1);
}
_Static_assert(sizeof(Place) <= 24 && sizeof(Place) == HOST_BYTES + 8, "a place is mixed and compared whole");

/* Where it is, or the free slot where it would be. */
static Known **slot_of(const Places *places, const Place *place) {
    size_t at = start_of(places, place);
    while (places->slots[at] && memcmp(&places->slots[at]->place, place, sizeof *place)) at = (at + 1) & (places->size - 1);
    return &places->slots[at];
}

static void known_free(Known *known) {
    if (!known) return;
    Py_XDECREF(known->peer);
    Py_XDECREF(known->address);
    Py_XDECREF(known->keys);
    wipe(known->password, sizeof known->password);
    PyMem_Free(known);
}

Known *places_find(const Places *places, const Place *place) { return places->count ? *slot_of(places, place) : NULL; }

static bool grow(Places *places) {
    Places larger = {.size = places->size ? 2 * places->size : FIRST_SLOTS, .count = places->count};
    larger.slots = PyMem_Calloc(larger.size, sizeof *larger.slots);
    if (!larger.slots) return false;
    for (size_t i = 0; i < places->size; i++)
        if (places->slots[i]) *slot_of(&larger, &places->slots[i]->place) = places->slots[i];
    PyMem_Free(places->slots);
    *places = larger;
    return true;
}

bool places_put(Places *places, Known *known) {
    if (2 * (places->count + 1) > places->size && !grow(places)) {
        known_free(known);
        return false;
    }
    Known **slot = slot_of(places, &known->place), *before = *slot;
    *slot = known;
    if (!before) places->count++;
    known_free(before);
    return true;
}

void places_drop(Places *places, const Place *place) {
    Known **slot = places->count ? slot_of(places, place) : NULL, *gone = slot ? *slot : NULL;
    if (!gone) return;
    *slot = NULL;
    places->count--;
    for (size_t at = (size_t)(slot - places->slots + 1) & (places->size - 1); places->slots[at];
         at = (at + 1) & (places->size - 1)) { /* whoever had to step aside comes nearer */
        Known *moved = places->slots[at];
        places->slots[at] = NULL;
        *slot_of(places, &moved->place) = moved;
    }
    known_free(gone);
}

void places_clear(Places *places) {
    Places all = *places;
    memset(places, 0, sizeof *places); /* first: freeing a peer may run Python */
    for (size_t i = 0; i < all.size; i++) known_free(all.slots[i]);
    PyMem_Free(all.slots);
}
