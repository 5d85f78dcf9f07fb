/*
 * A channel source that is never the bottleneck. Sends packets of some channels in turn. Evenly spaced ones go to any
 * number of clients, to all the same at the same time, by a process for each; flat out they go to one client at a time,
 * once a line on standard input says so (evenly spaced until then: a server at its limit takes no more users), and
 * sequences go on where the last client's ended. Evenly spaced ones may be left out at random, for each client others,
 * and a connection may end after so many seconds; the next one is silent for half a second first.
 */
#include <poll.h>

#include "payload.h"

enum { PACKET_BYTES = HEADER_BYTES + PAYLOAD_BYTES, BURST_PACKETS = 32, BEFORE_FLAT_OUT = 100 };

static int is_to_go_flat_out;
static uint64_t channels, packets_per_second, lost_per_mille, life_ns, sent, began_ns;
static const uint64_t AWAY_NS = 500000000u;

static void write_packet(uint8_t *target, uint64_t number, uint64_t due_ns) {
  uint64_t channel = number % channels, sequence = number / channels;
  char name[CHANNEL_BYTES + 1];
  channel_name(name, (unsigned)channel);
  uint32_t wire[3] = {htonl((uint32_t)(sequence >> 32)), htonl((uint32_t)sequence), htonl(PAYLOAD_BYTES)};
  memset(target, 0, CHANNEL_OFFSET);
  memcpy(target + CHANNEL_OFFSET, name, CHANNEL_BYTES);
  memcpy(target + SEQUENCE_OFFSET, wire, sizeof wire);
  write_payload(target + HEADER_BYTES, (struct stamp){channel, sequence, due_ns});
}

static int send_all(int fd, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = send(fd, bytes, count, 0);
    if (written <= 0) return 0;
    bytes += written;
    count -= (size_t)written;
  }
  return 1;
}

static void sleep_until(uint64_t ns) {
  struct timespec time = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

/* When packet `number` is due. */
static uint64_t due_ns(uint64_t number) {
  return began_ns + number * 1000000000u / (packets_per_second * channels);
}

static int is_told(void) {
  struct pollfd standard_input = {.fd = 0, .events = POLLIN};
  return poll(&standard_input, 1, 0) > 0;
}

/* Paced packets bear the time when they were due, so that a server that blocks its source cannot hide the wait. */
static void serve(int fd) {
  static uint8_t burst[BURST_PACKETS * PACKET_BYTES];
  if (life_ns > 0) sleep_until(now_ns() + AWAY_NS);
  uint64_t end_ns = life_ns > 0 ? now_ns() + life_ns : UINT64_MAX;
  if (packets_per_second > 0) sent = (now_ns() - began_ns) / 1000 * packets_per_second * channels / 1000000u;
  while (now_ns() < end_ns) {
    if (is_to_go_flat_out && packets_per_second > 0 && is_told()) packets_per_second = 0;
    uint64_t now = now_ns();
    size_t count = 0;
    for (; count < BURST_PACKETS; count++) {
      uint64_t due = now;
      if (packets_per_second > 0) {
        due = due_ns(sent);
        if (due > now) break;
      }
      if (lost_per_mille > 0 && (uint64_t)random() % 1000 < lost_per_mille) {
        sent++;
        count--;
        continue;
      }
      write_packet(burst + count * PACKET_BYTES, sent++, due);
    }
    if (!send_all(fd, burst, count * PACKET_BYTES)) return;
    if (count < BURST_PACKETS) sleep_until(due_ns(sent));
  }
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > 5) {
    fprintf(stderr,
            "usage: load-source <channels> <packets a second of each, 0 = flat out> [<lost per mille> [<seconds>]]\n");
    return 2;
  }
  channels = (uint64_t)number_argument(argv[1], 1, MAX_CHANNELS);
  packets_per_second = (uint64_t)number_argument(argv[2], 0, 1000000);
  is_to_go_flat_out = packets_per_second == 0;
  if (is_to_go_flat_out) packets_per_second = BEFORE_FLAT_OUT;
  if (argc > 3) lost_per_mille = (uint64_t)number_argument(argv[3], 0, 999);
  if (argc > 4) life_ns = (uint64_t)number_argument(argv[4], 0, 3600) * 1000000000u;
  live_with_parent();
  prepare_images();
  signal(SIGCHLD, SIG_IGN);
  began_ns = now_ns();
  int listener = listen_and_tell();
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) die("accept");
    no_delay(fd);
    if (is_to_go_flat_out) {
      serve(fd);
    } else if (fork() == 0) {
      live_with_parent();
      srandom((unsigned)getpid());
      serve(fd);
      return 0;
    }
    close(fd);
  }
}
