/* Limits, counters and bytes: what every part of the native sender needs. */
#ifndef SILKCAST_BASE_H
#define SILKCAST_BASE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum {
    VIDEO, AUDIO, KINDS,
    REPEAT_WINDOW = 1024,         /* interface.py; a multiple of 64 */
    QUEUE_LIMIT_JOBS = 8192,      /* interface.py */
    MEDIA_LIMIT_JOBS = QUEUE_LIMIT_JOBS * 3 / 4,
    QUEUE_LIMIT_BYTES = 64 << 20, /* interface.py */
    PAYLOAD_LIMIT_BYTES = 1400,   /* interface.py */
    RTCP_LIMIT_BYTES = 1400,
    BLOCK_LIMIT_BYTES = 128,      /* layout.py */
    GSO_SEGMENTS = 64, GSO_BYTES = 65000, PADDING_LIMIT_BYTES = 16, /* layout.py */
    HELD_LIMIT_PACKETS = 64, FEW_FOLLOWERS = 8,                     /* sender.py */
    JOB_LIMIT_PACKETS = 256,                                        /* front.py */
    GROUP_LIMIT_PACKETS = HELD_LIMIT_PACKETS + JOB_LIMIT_PACKETS,
    TAG_LIMIT_BYTES = 16, SRTCP_INDEX_BYTES = 4,
    DATAGRAM_LIMIT_BYTES = 12 + BLOCK_LIMIT_BYTES + 2 + PAYLOAD_LIMIT_BYTES + PADDING_LIMIT_BYTES + TAG_LIMIT_BYTES,
    BATCH_BYTES = 128 << 10,      /* sent when full: what was encrypted is still in the cache */
    BATCH_MESSAGES = 512,
    CACHE_LINE_BYTES = 64,
    BUFFER_BYTES = BATCH_BYTES + GROUP_LIMIT_PACKETS * DATAGRAM_LIMIT_BYTES,
};
#define WINDOW_PER_FOLLOWER_NS 20000LL /* sender.py */
#define WINDOW_LIMIT_NS 4000000LL      /* sender.py */
#define OVERDUE_NS 4000000LL           /* python.py */
#define LATE_AFTER_NS 500000000LL      /* interface.py */
#define INDEX_END (1LL << 48)
#define SRTCP_INDEX_END (1LL << 31)
#define NOT_FROZEN INT64_MIN
#define NEVER INT64_MAX

/* Counters are written by the thread and read by the loop; each is right by itself. */
typedef uint64_t Counter;
#define ADD(counter, n) __atomic_store_n(&(counter), (counter) + (uint64_t)(n), __ATOMIC_RELAXED)
#define READ(counter) __atomic_load_n(&(counter), __ATOMIC_RELAXED)

static inline int64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xFFFF);
}

static inline void put64(uint8_t *at, uint64_t value) {
    put32(at, (uint32_t)(value >> 32));
    put32(at + 4, (uint32_t)value);
}

static inline uint32_t get32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Call memory into the cache that will be needed soon. A hint: no address is wrong. */
static inline void fetch(const void *from, size_t length) {
    for (size_t i = 0; i < length + CACHE_LINE_BYTES - 1; i += CACHE_LINE_BYTES)
        __builtin_prefetch((const char *)from + (i < length ? i : length - 1));
}

static inline void wipe(void *secret, size_t length) {
    for (volatile uint8_t *at = secret; length; length--) *at++ = 0;
}

#endif
