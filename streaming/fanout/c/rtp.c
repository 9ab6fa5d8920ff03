/* The header of a decrypted RTP packet (RFC 3550 section 5.1, RFC 8285): rtp.py reads whatever is special. */
#include "ear.h"

static uint32_t get16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }

/* Whether it carries an extension that Python wants to see. What is cut off is none (rtp.py). */
static bool is_wanted(const Known *known, uint32_t profile, const uint8_t *at, const uint8_t *end) {
    bool one_byte = profile == 0xBEDE;
    if (!one_byte && (profile & 0xFFF0) != 0x1000) return false; /* none that RFC 8285 knows */
    while (at < end) {
        if (*at == 0) {
            at++;
            continue;
        }
        if (!one_byte && at + 1 >= end) return false;
        int id = one_byte ? *at >> 4 : *at, size = one_byte ? (*at & 15) + 1 : at[1];
        if (one_byte && id == 15) return false; /* nothing behind it is read (RFC 8285 section 4.2) */
        at += (one_byte ? 1 : 2) + size;
        if (at > end) return false;
        if (known->read_by_python[id / 64] >> id % 64 & 1) return true;
    }
    return false;
}

bool rtp_is_plain(const uint8_t *packet, int length, const Known *known, Plain *plain) {
    if (length < 12 || packet[0] >> 6 != 2) return false;
    int begin = 12 + 4 * (packet[0] & 15), padding = packet[0] & 0x20 ? packet[length - 1] : 0;
    if (packet[0] & 0x10) {
        if (length < begin + 4) return false;
        int start = begin + 4;
        begin = start + 4 * (int)get16(packet + begin + 2);
        if (begin > length || is_wanted(known, get16(packet + start - 4), packet + start, packet + begin)) return false;
    }
    if ((packet[0] & 0x20 && !padding) || begin + padding >= length) return false; /* an empty one is special too */
    *plain = (Plain){.ssrc = get32(packet + 8), .timestamp = get32(packet + 4), .sequence = (uint16_t)get16(packet + 2),
                     .payload_type = packet[1] & 0x7F, .marker = packet[1] >> 7, .payload = packet + begin,
                     .length = length - begin - padding};
    return plain->length <= PAYLOAD_LIMIT_BYTES;
}
