/* Packets of one viewer: numbered by the nonce law, written, padded, encrypted and cut into runs. */
#include "state.h"

#include <netinet/in.h>

static bool guard_admits(Guard *g, int64_t index) {
    if (index < 0 || index >= INDEX_END) return false;
    if (index > g->newest) {
        int64_t ahead = index - g->newest;
        if (ahead >= REPEAT_WINDOW) memset(g->used, 0, sizeof g->used);
        else
            for (int64_t i = g->newest + 1; i < index; i++) g->used[i % REPEAT_WINDOW / 64] &= ~(1ULL << i % 64);
        g->newest = index;
    } else if (g->newest - index >= REPEAT_WINDOW || g->used[index % REPEAT_WINDOW / 64] >> index % 64 & 1)
        return false;
    g->used[index % REPEAT_WINDOW / 64] |= 1ULL << index % 64;
    return true;
}

typedef struct { /* one packet of one viewer before its header is written */
    const Packet *packet;
    const Block *block;
    int64_t index;
    int body, pad; /* bytes */
} Outgoing;

static void stamp_send_time(Sender *s, uint8_t *at) { /* 24 bits of seconds, 6.18 fixed point */
    int64_t now_ns = __atomic_load_n(&s->frozen_ns, __ATOMIC_RELAXED);
    if (now_ns == NOT_FROZEN) now_ns = monotonic_ns();
    uint64_t seconds = (uint64_t)now_ns / 1000000000, rest_ns = (uint64_t)now_ns % 1000000000;
    uint32_t stamp = (uint32_t)(seconds % 64) << 18 | (uint32_t)((rest_ns << 18) / 1000000000);
    at[0] = (uint8_t)(stamp >> 16);
    put16(at + 1, stamp & 0xFFFF);
}

/* Padding makes a frame's packets equal where 16 bytes suffice: layout.py says why. */
static void choose_paddings(Outgoing *out, int count) {
    int largest = 0;
    for (int i = 0; i < count; i++)
        if (out[i].block->length + out[i].body > largest) largest = out[i].block->length + out[i].body;
    for (int i = 0; i + 1 < count; i++) {
        int wanted = largest - out[i].block->length - out[i].body;
        out[i].pad = wanted <= PADDING_LIMIT_BYTES ? wanted : 0;
    }
}

/* Header, body and padding into the buffer, encrypted. Returns the datagram's length or 0. */
static int write_datagram(Viewer *viewer, Flow *flow, const Outgoing *out, const uint8_t *stamp, bool again, uint8_t *to) {
    const Packet *packet = out->packet;
    const Block *block = out->block;
    to[0] = (uint8_t)(0x80 | (out->pad ? 0x20 : 0) | (block->length ? 0x10 : 0));
    to[1] = (uint8_t)((packet->marker ? 0x80 : 0) | flow->payload_type);
    put16(to + 2, (uint32_t)(out->index & 0xFFFF));
    put32(to + 4, packet->timestamp);
    put32(to + 8, flow->ssrc);
    memcpy(to + 12, block->octets, (size_t)block->length);
    if (block->send_time_at >= 0) memcpy(to + 12 + block->send_time_at, stamp, 3);
    if (block->capture_time_at >= 0) put64(to + 12 + block->capture_time_at, packet->capture_time);
    int header = 12 + block->length;
    const uint8_t *body = packet->payload;
    if (again || out->pad) {
        uint8_t *at = to + header;
        if (again) put16(at, (uint32_t)(packet->sequence & 0xFFFF)); /* RFC 4588 section 4: the original number */
        if (packet->length) memcpy(at + (again ? 2 : 0), packet->payload, packet->length);
        if (out->pad) {
            memset(at + out->body, 0, (size_t)out->pad);
            at[out->body + out->pad - 1] = (uint8_t)out->pad;
        }
        body = at;
    }
    return protect_rtp(&viewer->rtp, to, header, body, out->body + out->pad, (uint64_t)out->index);
}

/* Encrypt one viewer's packets behind each other and cut them into GSO runs (layout.py: runs). */
static void queue_packets(Sender *s, Viewer *viewer, Flow *flow, Outgoing *out, int count, bool again) {
    bool gso = s->gso && viewer->gso_works;
    uint8_t stamp[3];
    Run *run = NULL;
    int before = 0;
    if (!count) return;
    stamp_send_time(s, stamp);
    if (gso) choose_paddings(out, count);
    s->frame++;
    for (int i = 0; i < count; i++) {
        uint8_t *at = s->buffer + s->used;
        int length = write_datagram(viewer, flow, &out[i], stamp, again, at);
        if (!length) { /* OpenSSL failed: this packet is lost, its index is spent */
            ADD(s->dropped, 1);
            ADD(viewer->dropped, 1);
            continue;
        }
        s->used += length;
        bool joins = run && gso && before == run->segment && length <= run->segment && run->datagrams < GSO_SEGMENTS &&
                     (run->datagrams + 1) * run->segment <= GSO_BYTES;
        if (!joins) {
            run = &s->runs[s->runs_count++];
            *run = (Run){.viewer = viewer, .flow = flow, .frame = s->frame, .at = at, .segment = length};
        }
        run->datagrams++;
        run->length += length;
        run->octets += out[i].body;
        before = length;
    }
    send_when_full(s);
}

static const Block *block_of(const Track *track, const Packet *packet) {
    return packet->has_capture ? &track->capture : &track->plain;
}

/* Between two frames of a viewer all others' have swept the caches. What its frame will need is called for while
 * its neighbours are served: first the track, then what the track points at, then what that points at. */
void expect_frame(const Track *track, int steps) {
    if (steps == 3) {
        fetch(&track->plain, sizeof track->plain);
        fetch(&track->flow, sizeof *track - offsetof(Track, flow));
    } else if (steps == 2) {
        fetch(&track->viewer->address, sizeof(struct sockaddr_in6));
        fetch(&track->viewer->rtp, offsetof(Cipher, inner));
        fetch(&track->viewer->gso_works, 1);
        fetch(&track->viewer->last_send_ns, sizeof track->viewer->last_send_ns);
    } else
        cipher_expect(&track->viewer->rtp);
}

void send_frame(Sender *s, Track *track, Packet *const *packets, int count) {
    Outgoing out[GROUP_LIMIT_PACKETS];
    Viewer *viewer = track->viewer;
    int fresh = 0;
    if (!track->present) return;
    for (int i = 0; i < count; i++) {
        int64_t index = packets[i]->sequence + track->offset;
        if (guard_admits(&track->guard, index))
            out[fresh++] = (Outgoing){packets[i], block_of(track, packets[i]), index, packets[i]->length, 0};
        else {
            ADD(s->refused, 1);
            ADD(viewer->refused, 1);
        }
    }
    queue_packets(s, viewer, &track->flow, out, fresh, false);
}

void resend(Sender *s, Track *track, const Job *job) {
    Outgoing out[JOB_LIMIT_PACKETS];
    if (!track->present || track->rtx.payload_type < 0) return;
    for (int i = 0; i < job->count; i++) {
        const Packet *packet = &job->packets[i];
        out[i] = (Outgoing){packet, block_of(track, packet), track->next_rtx_index++, 2 + packet->length, 0};
    }
    queue_packets(s, track->viewer, &track->rtx, out, job->count, true);
}

void send_rtcp(Sender *s, Viewer *viewer, const uint8_t *compound, int length) {
    uint8_t *at = s->buffer + s->used;
    if (viewer->next_rtcp_index >= SRTCP_INDEX_END) {
        ADD(s->refused, 1);
        ADD(viewer->refused, 1);
        return;
    }
    memcpy(at, compound, (size_t)length);
    int whole = protect_rtcp(&viewer->rtcp, at, length, (uint32_t)viewer->next_rtcp_index++);
    if (!whole) return;
    s->used += whole;
    s->runs[s->runs_count++] = (Run){.viewer = viewer, .frame = ++s->frame, .datagrams = 1, .at = at, .length = whole, .segment = whole};
    send_when_full(s);
}

/* SR and SDES with a CNAME (RFC 3550 sections 6.4.1 and 6.5): wire.py. */
static int write_report(const Viewer *viewer, const Flow *flow, uint64_t ntp_time, uint32_t timestamp, uint8_t *to) {
    int item = (viewer->cname_length + 3 + 3) / 4 * 4;
    put32(to, 0x80u << 24 | 200u << 16 | 6);
    put32(to + 4, flow->ssrc);
    put64(to + 8, ntp_time);
    put32(to + 16, timestamp);
    put32(to + 20, (uint32_t)flow->packets);
    put32(to + 24, (uint32_t)flow->octets);
    put32(to + 28, 0x81u << 24 | 202u << 16 | (uint32_t)(1 + item / 4));
    put32(to + 32, flow->ssrc);
    memset(to + 36, 0, (size_t)item);
    to[36] = 1;
    to[37] = viewer->cname_length;
    memcpy(to + 38, viewer->cname, viewer->cname_length);
    return 36 + item;
}

void send_report(Sender *s, Track *track, uint64_t ntp_time, uint32_t timestamp) {
    uint8_t compound[36 + 260];
    if (!track->flow.packets) return;
    send_rtcp(s, track->viewer, compound, write_report(track->viewer, &track->flow, ntp_time, timestamp, compound));
}
