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
  unsigned head;     /* bytes of the empty line that ends an answer's head still to come; 0: payload follows */
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

static const char HEAD_END[] = "\r\n\r\n";

/* Asks for the user's channel, by the line of 9111 or over HTTP. */
static inline void viewer_asks(struct viewer *viewer, int over_http) {
  char name[CHANNEL_BYTES + 1], line[96];
  channel_name(name, viewer->channel);
  const char *form = over_http ? "GET /watch/%2$s?user=bench-%1$ld&start=live HTTP/1.0%3$s" : "bench-%1$ld %2$s\n";
  int bytes = snprintf(line, sizeof line, form, viewer->id, name, HEAD_END);
  viewer->head = over_http ? sizeof HEAD_END - 1 : 0;
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
  for (; viewer->head > 0 && at < end; at++) {
    int goes_on = *at == (uint8_t)HEAD_END[sizeof HEAD_END - 1 - viewer->head];
    viewer->head = goes_on ? viewer->head - 1 : sizeof HEAD_END - 1 - (*at == HEAD_END[0]);
  }
  while (at < end) {
    size_t there = (size_t)(end - at);
    if (viewer->held == 0 && there >= PAYLOAD_BYTES && !are_tables(at)) {
      viewer_checks(viewer, at, taken);
      at += PAYLOAD_BYTES;
      continue;
    }
    size_t whole = viewer->held < UNIT_HEAD_BYTES ? UNIT_HEAD_BYTES
                   : are_tables(viewer->part)     ? TABLES_BYTES
                                                  : PAYLOAD_BYTES;
    size_t wanted = whole - viewer->held, part = there < wanted ? there : wanted;
    memcpy(viewer->part + viewer->held, at, part);
    at += part;
    viewer->held += part;
    if (viewer->held < whole || whole == UNIT_HEAD_BYTES) continue;
    if (whole == PAYLOAD_BYTES) viewer_checks(viewer, viewer->part, taken);
    else if (!tables_hold(viewer->part)) viewer_fails(viewer, "wrong tables", NULL);
    viewer->held = 0;
  }
}
