/* Reads beforehand what the lookups of many keys in a large table will read, so that they wait for far memory together
   and not one after another. Knows how CPython 3.11 lays a dict out; changes nothing and tells nothing, so under any
   other Python it is left out. The layout is that of internal/pycore_dict.h, the walk that of Objects/dictobject.c. */

#ifndef SILKCAST_DESK_NEAR_H
#define SILKCAST_DESK_NEAR_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEAR_MOST 256 /* keys at once: what one letter holds */

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000 && defined(__GNUC__)
#define Py_BUILD_CORE 1
#include <internal/pycore_dict.h>
#undef Py_BUILD_CORE

#define FAR_LOG2_SIZE 13 /* a smaller table is in the cache anyway */
#define STEPS 3          /* of a lookup; few take more */
#define PERTURB_SHIFT 5

/* Where the lookup of one key is: the place in the index, what is left of the hash, the entry met last. */
typedef struct {
    size_t place, rest;
    char *entry;
    bool over;
} Search;

/* Read one byte for nothing. A prefetch would do, were it not dropped where the page is not known to the
   processor either: on a virtual machine most are. */
static inline void touch(const void *address)
{
    char there = *(const volatile char *)address;
    __asm__ volatile("" : : "r"(there));
}

static inline bool is_far(PyObject *table)
{
    return ((PyDictObject *)table)->ma_values == NULL && ((PyDictObject *)table)->ma_keys->dk_log2_size >= FAR_LOG2_SIZE;
}

static inline void *index_at(PyDictKeysObject *keys, size_t place)
{
    return keys->dk_indices + (place << (keys->dk_log2_index_bytes - keys->dk_log2_size));
}

/* The number of the entry that the place of the index names; negative: of none. */
static inline int64_t entry_at(PyDictKeysObject *keys, size_t place)
{
    switch (keys->dk_log2_index_bytes - keys->dk_log2_size) {
    case 1: return *(int16_t *)index_at(keys, place);
    case 2: return *(int32_t *)index_at(keys, place);
    default: return -1; /* of 2^32 places: none is so large */
    }
}

/* What the last step touched is here: go on from it, and touch what comes next. */
static inline void go_on(PyDictKeysObject *keys, Search *s)
{
    bool names = keys->dk_kind == DICT_KEYS_UNICODE; /* their entries hold no hash: the name itself does */
    if (names && s->entry != NULL)
        touch((char *)((PyDictUnicodeEntry *)s->entry)->me_key + offsetof(PyASCIIObject, hash));
    int64_t number = s->over ? -1 : entry_at(keys, s->place);
    s->over = number < 0; /* an empty place: the lookup ends there */
    s->entry = NULL;
    if (s->over)
        return;
    char *entries = keys->dk_indices + ((size_t)1 << keys->dk_log2_index_bytes);
    s->entry = entries + (size_t)number * (names ? sizeof(PyDictUnicodeEntry) : sizeof(PyDictKeyEntry));
    touch(s->entry);
    s->rest >>= PERTURB_SHIFT;
    s->place = (s->place * 5 + s->rest + 1) & ((size_t)DK_SIZE(keys) - 1);
    touch(index_at(keys, s->place));
}

/* Read what looking these hashes up in a dict will read; at most NEAR_MOST. */
static void bring_near(PyObject *table, const Py_hash_t *hashes, int count)
{
    if (!is_far(table))
        return;
    PyDictKeysObject *keys = ((PyDictObject *)table)->ma_keys;
    Search searches[NEAR_MOST];
    for (int i = 0; i < count; i++) {
        size_t hash = (size_t)hashes[i];
        searches[i] = (Search){hash & ((size_t)DK_SIZE(keys) - 1), hash, NULL, false};
        touch(index_at(keys, searches[i].place));
    }
    for (int step = 0; step < STEPS; step++)
        for (int i = 0; i < count; i++)
            go_on(keys, &searches[i]);
}

#else

static inline bool is_far(PyObject *table)
{
    (void)table;
    return false;
}

static void bring_near(PyObject *table, const Py_hash_t *hashes, int count)
{
    (void)table, (void)hashes, (void)count;
}

#endif
#endif
