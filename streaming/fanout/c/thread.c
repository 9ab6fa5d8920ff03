/* Who follows what, and the thread that does the loop's jobs one by one. It needs no GIL. */
#include "state.h"

void viewer_free(Viewer *viewer) {
    if (!viewer) return;
    cipher_close(&viewer->rtp);
    cipher_close(&viewer->rtcp);
    PyMem_RawFree(viewer);
}

void job_free(Job *job) {
    if (!job) return;
    viewer_free(job->arrival);
    PyMem_RawFree(job);
}

static Track *follower_in_turn(Source *source, int i) {
    return source->followers[(source->turn + (unsigned)i) % (unsigned)source->followers_count];
}

static void flush_held(Sender *s, Source *source) {
    Packet *packets[GROUP_LIMIT_PACKETS];
    int count = 0;
    Job *held = source->held;
    if (!held) return;
    for (Source **at = &s->holding; *at; at = &(*at)->next_holding)
        if (*at == source) {
            *at = source->next_holding;
            break;
        }
    source->held = NULL;
    source->held_end = &source->held;
    source->held_packets = 0;
    for (Job *job = held; job; job = job->next)
        for (int i = 0; i < job->count; i++) packets[count++] = &job->packets[i];
    source->turn++;
    for (int i = 0; i < source->followers_count; i++) {
        for (int steps = 1; steps <= EXPECTED_STEPS && i + steps < source->followers_count; steps++)
            expect_frame(follower_in_turn(source, i + steps), steps);
        send_frame(s, follower_in_turn(source, i), packets, count);
    }
    send_batch(s);
    for (Job *next; held; held = next) {
        next = held->next;
        job_free(held);
    }
}

static void unfollow(Sender *s, Track *track) {
    Source *source = track->source;
    if (!source) return;
    flush_held(s, source);
    Track *last = source->followers[--source->followers_count];
    source->followers[track->place] = last;
    last->place = track->place;
    track->source = NULL;
}

static void follow(Sender *s, Track *track, Source *source, int64_t offset) {
    flush_held(s, source); /* these packets were posted before: they follow the old segment */
    unfollow(s, track);
    if (source->followers_count == source->followers_room) {
        int room = source->followers_room ? 2 * source->followers_room : 16;
        Track **more = PyMem_RawRealloc(source->followers, sizeof *more * (size_t)room);
        if (!more) return; /* this viewer sees nothing; the others go on */
        source->followers = more;
        source->followers_room = room;
    }
    track->offset = offset;
    track->source = source;
    track->place = source->followers_count;
    source->followers[source->followers_count++] = track;
}

void source_free(Sender *s, Source *source) {
    flush_held(s, source);
    while (source->followers_count) unfollow(s, source->followers[0]);
    s->sources[source->id % s->sources_limit] = NULL;
    PyMem_RawFree(source->followers);
    PyMem_RawFree(source);
}

static int64_t window_ns(int followers) { /* sender.py */
    int64_t window = followers * WINDOW_PER_FOLLOWER_NS;
    return followers <= FEW_FOLLOWERS ? 0 : window < WINDOW_LIMIT_NS ? window : WINDOW_LIMIT_NS;
}

/* Takes the job over: it lives until its packets have left. */
static void hold_packets(Sender *s, Source *source, Job *job) {
    bool whole = source->kind == AUDIO || job->packets[job->count - 1].marker;
    if (!source->held) {
        source->held_until_ns = monotonic_ns() + window_ns(source->followers_count);
        source->next_holding = s->holding;
        s->holding = source;
    }
    job->next = NULL;
    *source->held_end = job;
    source->held_end = &job->next;
    source->held_packets += job->count;
    if (whole || source->held_packets >= HELD_LIMIT_PACKETS) flush_held(s, source);
}

static void leave(Sender *s, Viewer *viewer) {
    for (int kind = 0; kind < KINDS; kind++) unfollow(s, &viewer->tracks[kind]);
    pthread_mutex_lock(&s->seating);
    s->viewers[viewer->id % s->seats] = NULL;
    pthread_mutex_unlock(&s->seating);
    ADD(s->seated, -1);
    viewer_free(viewer);
}

static void join(Sender *s, Job *job) {
    pthread_mutex_lock(&s->seating);
    s->viewers[job->arrival->id % s->seats] = job->arrival;
    pthread_mutex_unlock(&s->seating);
    job->arrival = NULL;
    ADD(s->seated, 1);
}

static void open_source(Sender *s, const Job *job) {
    Source *source = PyMem_RawCalloc(1, sizeof *source);
    if (!source) return;
    source->id = job->source;
    source->kind = (int)job->number;
    source->held_end = &source->held;
    s->sources[job->source % s->sources_limit] = source;
}

static void report(Sender *s, Source *source, const Job *job) {
    source->turn++;
    for (int i = 0; i < source->followers_count; i++)
        send_report(s, follower_in_turn(source, i), (uint64_t)job->number, job->timestamp);
}

static void extend(Sender *s, Track *track, const Block *blocks) {
    if (track->source) flush_held(s, track->source); /* these packets were posted before */
    track->plain = blocks[0];
    track->capture = blocks[1];
}

/* ---- the thread --------------------------------------------------------------------------------- */

static void forward(Sender *s, Source *source, Viewer *only, Job *job) {
    Packet *packets[JOB_LIMIT_PACKETS];
    if (source && job->viewer < 0) {
        hold_packets(s, source, job);
        return;
    }
    for (int i = 0; i < job->count; i++) packets[i] = &job->packets[i];
    if (source && only) send_frame(s, &only->tracks[source->kind], packets, job->count);
    send_batch(s);
    job_free(job);
}

static void do_job(Sender *s, Job *job) {
    Viewer *viewer = viewer_of(s, job->viewer);
    Source *source = source_of(s, job->source);
    switch (job->verb) {
    case OPEN: open_source(s, job); break;
    case CLOSE: if (source) source_free(s, source); break;
    case JOIN: join(s, job); break;
    case LEAVE: if (viewer) leave(s, viewer); break;
    case MOVE:
        if (!viewer) break;
        viewer->address = job->address;
        viewer->address_length = job->address_length;
        viewer->gso_works = true; /* another path, another chance */
        break;
    case SEGMENT: if (viewer && source) follow(s, &viewer->tracks[source->kind], source, job->number); break;
    case EXTEND: if (viewer) extend(s, &viewer->tracks[job->number], (const Block *)(const void *)job->data); break;
    case PAUSE: if (viewer) unfollow(s, &viewer->tracks[job->number]); break;
    case FORWARD: forward(s, source, viewer, job); return; /* it takes the job over */
    case RESEND: if (viewer) resend(s, &viewer->tracks[job->number], job); break;
    case RTCP: if (viewer) send_rtcp(s, viewer, job->data, job->count); break;
    case REPORT: if (source) report(s, source, job); break;
    case DRAIN:
        while (s->holding) flush_held(s, s->holding);
        pthread_mutex_lock(&s->lock);
        s->drained_ticket = job->number;
        pthread_cond_broadcast(&s->drained);
        pthread_mutex_unlock(&s->lock);
        break;
    case STOP: break;
    }
    send_batch(s);
    job_free(job);
}

bool is_media(Verb verb) { return verb >= FORWARD && verb <= REPORT; }

/* Wait on a condition until a monotonic moment. */
void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ns) {
#ifdef __APPLE__ /* no monotonic conditions there */
    int64_t left = until_ns - monotonic_ns();
    struct timespec rest = {left > 0 ? left / 1000000000 : 0, left > 0 ? left % 1000000000 : 0};
    pthread_cond_timedwait_relative_np(condition, lock, &rest);
#else
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    pthread_cond_timedwait(condition, lock, &until);
#endif
}

static Job *take(Sender *s, int64_t until_ns) {
    Job *job = NULL;
    pthread_mutex_lock(&s->lock);
    while (s->held || !s->first) {
        if (until_ns == NEVER) pthread_cond_wait(&s->changed, &s->lock);
        else if (monotonic_ns() >= until_ns) break;
        else wait_until(&s->changed, &s->lock, until_ns);
    }
    if (!s->held && s->first) {
        job = s->first;
        s->first = job->next;
        if (!s->first) s->end = &s->first;
        s->jobs--;
        s->octets -= job->octets;
    }
    pthread_mutex_unlock(&s->lock);
    return job;
}

static void flush_due(Sender *s, int64_t moment_ns) {
    for (Source *source = s->holding, *next; source; source = next) {
        next = source->next_holding;
        if (source->held_until_ns <= moment_ns) flush_held(s, source);
    }
}

static bool is_late(Sender *s, int64_t waited_ns) {
    return waited_ns > LATE_AFTER_NS && __atomic_load_n(&s->frozen_ns, __ATOMIC_RELAXED) == NOT_FROZEN;
}

void *sender_main(void *owner) {
    Sender *s = owner;
    for (bool stop = false; !stop;) {
        int64_t due_ns = NEVER;
        for (Source *source = s->holding; source; source = source->next_holding)
            if (source->held_until_ns < due_ns) due_ns = source->held_until_ns;
        Job *job = take(s, due_ns);
        int64_t began_ns = monotonic_ns();
        bool idle = !job;
        if (job) {
            stop = job->verb == STOP;
            if (is_media(job->verb) && is_late(s, began_ns - job->posted_ns)) {
                ADD(s->late_jobs, 1);
                job_free(job);
            } else
                do_job(s, job);
        }
        flush_due(s, idle ? began_ns : began_ns - OVERDUE_NS);
        ADD(s->busy_ns, monotonic_ns() - began_ns);
    }
    return NULL;
}
