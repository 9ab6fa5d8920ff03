/* A consent check of a peer that is known (RFC 8489, RFC 8445, RFC 7675): nearly all that a relay ever hears.
 *
 * True is said of the ordinary form only; of anything else, right or wrong, nothing is said and Python judges.
 */
#include "crypto.h"
#include "ear.h"

enum {
    COOKIE = 0x2112A442, REQUEST = 0x0001, SUCCESS = 0x0101, HEADER_BYTES = 20, ATTRIBUTES_LIMIT = 32, /* stun.py */
    USERNAME = 0x0006, INTEGRITY = 0x0008, MAPPED = 0x0020, PRIORITY = 0x0024, NOMINATE = 0x0025, OPTIONAL = 0x8000,
    FINGERPRINT = 0x8028, CONTROLLED = 0x8029, DIGEST_BYTES = 20,
};
#define FINGERPRINT_XOR 0x5354554Eu

static uint32_t get16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }

static uint32_t crc32_of(const uint8_t *at, int length) { /* ISO 3309, four bits a step */
    static const uint32_t steps[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    uint32_t sum = 0xFFFFFFFF;
    for (; length; length--) {
        sum ^= *at++;
        sum = sum >> 4 ^ steps[sum & 15];
        sum = sum >> 4 ^ steps[sum & 15];
    }
    return ~sum;
}

/* Whether MESSAGE-INTEGRITY at `at` is the peer's: it signs what lies before, with the length up to its end. */
static bool is_signed(const uint8_t *message, int at, const Known *known) {
    uint8_t header[HEADER_BYTES], digest[DIGEST_BYTES];
    memcpy(header, message, HEADER_BYTES);
    put16(header + 2, (uint32_t)(at + 4 + DIGEST_BYTES - HEADER_BYTES));
    if (!hmac_sha1(known->password, known->password_length, header, HEADER_BYTES, message + HEADER_BYTES,
                   (size_t)(at - HEADER_BYTES), digest))
        return false;
    uint8_t differs = 0;
    for (int i = 0; i < DIGEST_BYTES; i++) differs |= digest[i] ^ message[at + 4 + i];
    return !differs;
}

static bool is_for(const uint8_t *name, int length, const Known *known) {
    int own = known->fragment_length;
    return length > own && name[own] == ':' && !memcmp(name, known->fragment, (size_t)own);
}

bool check_is_plain(const uint8_t *message, int length, const Known *known, bool *nominates) {
    bool named = false, is_theirs = false;
    *nominates = false;
    if (!known->fragment_length || length < HEADER_BYTES || length % 4 || get16(message) != REQUEST ||
        get32(message + 4) != COOKIE || (int)get16(message + 2) != length - HEADER_BYTES)
        return false;
    for (int at = HEADER_BYTES, seen = 0; at < length; seen++) {
        int kind = (int)get16(message + at), size = (int)get16(message + at + 2), next = at + 4 + (size + 3) / 4 * 4;
        const uint8_t *value = message + at + 4;
        if (next > length || seen + 1 == ATTRIBUTES_LIMIT) return false;
        at = next; /* behind MESSAGE-INTEGRITY only FINGERPRINT counts (RFC 8489 section 14.5) */
        if (is_theirs && kind != FINGERPRINT) continue;
        switch (kind) {
        case USERNAME:
            if (!named && !is_for(value, size, known)) return false;
            named = true;
            break;
        case INTEGRITY:
            if (size != DIGEST_BYTES || !is_signed(message, (int)(value - message) - 4, known)) return false;
            is_theirs = true;
            break;
        case FINGERPRINT:
            if (size != 4 || next != length || get32(value) != (crc32_of(message, length - 8) ^ FINGERPRINT_XOR)) return false;
            break;
        case NOMINATE: *nominates = true; break;
        case PRIORITY: break;
        default:
            if (kind < OPTIONAL || kind == CONTROLLED) return false;
        }
    }
    return named && is_theirs;
}

int check_answer(const uint8_t *message, const Known *known, int host_bytes, uint8_t *answer) {
    int at = HEADER_BYTES, mapped = 4 + host_bytes;
    memcpy(answer, message, HEADER_BYTES); /* cookie and transaction */
    put16(answer, SUCCESS);
    put16(answer + at, MAPPED);
    put16(answer + at + 2, (uint32_t)mapped);
    put16(answer + at + 4, host_bytes == 4 ? 1 : 2);
    put16(answer + at + 6, known->place.port ^ COOKIE >> 16);
    for (int i = 0; i < host_bytes; i++) answer[at + 8 + i] = known->place.host[i] ^ answer[4 + i];
    at += 4 + mapped;
    put16(answer + 2, (uint32_t)(at + 4 + DIGEST_BYTES - HEADER_BYTES));
    put16(answer + at, INTEGRITY);
    put16(answer + at + 2, DIGEST_BYTES);
    if (!hmac_sha1(known->password, known->password_length, answer, (size_t)at, NULL, 0, answer + at + 4)) return 0;
    at += 4 + DIGEST_BYTES;
    put16(answer + 2, (uint32_t)(at + 8 - HEADER_BYTES));
    put16(answer + at, FINGERPRINT);
    put16(answer + at + 2, 4);
    put32(answer + at + 4, crc32_of(answer, at) ^ FINGERPRINT_XOR);
    return at + 8;
}
