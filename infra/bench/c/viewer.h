/* One user's end of a stream: checks every byte that comes, and says how many packets are missing before each. */
#pragma once
#include "payload.h"

struct viewer {
  int fd;
  long id; /* of user "bench-<id>" */
  unsigned channel;
  int started;
  uint64_t sequence; /* of the last payload, once started */
  size_t held;       /* bytes of a payload that has come in part */
  uint8_t part[PAYLOAD_BYTES];
};

/* Told of each whole payload, which is as it should be. */
typedef void payload_taken(struct viewer *viewer, const struct stamp *stamp, uint64_t missing);

static inline _Noreturn void viewer_fails(const struct viewer *viewer, const char *what, const struct stamp *stamp) {
  fprintf(stderr, "user %ld: %s", viewer->id, what);
  if (stamp != NULL) {
    fprintf(stderr, " (after sequence %llu; stamp: channel %llu, sequence %llu)", (unsigned long long)viewer->sequence,
            (unsigned long long)stamp->channel, (unsigned long long)stamp->sequence);
  }
  if (viewer->held > 0) fprintf(stderr, ": %.*s", (int)(viewer->held < 100 ? viewer->held : 100), viewer->part);
  fprintf(stderr, "\n");
  exit(1);
}

/* The line by which the user asks for its channel. */
static inline void viewer_asks(const struct viewer *viewer) {
  char name[CHANNEL_BYTES + 1], line[64];
  channel_name(name, viewer->channel);
  int bytes = snprintf(line, sizeof line, "bench-%ld %s\n", viewer->id, name);
  if (send(viewer->fd, line, (size_t)bytes, 0) != bytes) die("send");
}

static inline void viewer_checks(struct viewer *viewer, const uint8_t *payload, payload_taken *taken) {
  struct stamp stamp;
  if (!payload_holds(payload, viewer->channel, &stamp)) viewer_fails(viewer, "wrong bytes", &stamp);
  if (viewer->started && stamp.sequence <= viewer->sequence) viewer_fails(viewer, "not in order", &stamp);
  uint64_t missing = viewer->started ? stamp.sequence - viewer->sequence - 1 : 0;
  viewer->sequence = stamp.sequence;
  taken(viewer, &stamp, missing);
  viewer->started = 1;
}

static inline void viewer_takes(struct viewer *viewer, const uint8_t *at, size_t bytes, payload_taken *taken) {
  const uint8_t *end = at + bytes;
  while (at < end) {
    size_t wanted = PAYLOAD_BYTES - viewer->held, there = (size_t)(end - at);
    if (viewer->held == 0 && there >= PAYLOAD_BYTES) {
      viewer_checks(viewer, at, taken);
      at += PAYLOAD_BYTES;
      continue;
    }
    size_t part = there < wanted ? there : wanted;
    memcpy(viewer->part + viewer->held, at, part);
    at += part;
    viewer->held += part;
    if (viewer->held < PAYLOAD_BYTES) return;
    viewer_checks(viewer, viewer->part, taken);
    viewer->held = 0;
  }
}
