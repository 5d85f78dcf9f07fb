/* What the three programs share: errors, time, loopback sockets and the wire's constants. Linux only. */
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Packet header of the channel source, as edge-node/source/packet.ts describes it. */
enum { HEADER_BYTES = 23, CHANNEL_OFFSET = 5, CHANNEL_BYTES = 6, SEQUENCE_OFFSET = 11, LENGTH_OFFSET = 19 };

/* Channel i is "bnc" and three digits. */
enum { MAX_CHANNELS = 1000 };

static inline void channel_name(char name[CHANNEL_BYTES + 1], unsigned channel) {
  snprintf(name, CHANNEL_BYTES + 1, "bnc%03u", channel % MAX_CHANNELS);
}

/* The number in a name of six bytes, or -1. */
static inline int channel_number(const char *name) {
  if (memcmp(name, "bnc", 3) != 0) return -1;
  int number = 0;
  for (const char *digit = name + 3; digit < name + CHANNEL_BYTES; digit++) {
    if (*digit < '0' || *digit > '9') return -1;
    number = number * 10 + (*digit - '0');
  }
  return number;
}

static inline _Noreturn void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

/* A whole number from the command line. */
static inline long number_argument(const char *text, long least, long most) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < least || value > most) {
    fprintf(stderr, "%s: not a number from %ld to %ld\n", text, least, most);
    exit(2);
  }
  return value;
}

/* Nanoseconds of one clock for all processes of the machine. */
static inline uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* The bench may be killed: then its children end too. A peer that hangs up is an error code, not a signal. */
static inline void live_with_parent(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
}

static inline struct sockaddr_in loopback(uint16_t port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static inline void no_delay(int fd) {
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* Listens on a free port and says which on stdout. */
static inline int listen_and_tell(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 4096)) die("listen");
  if (getsockname(fd, (struct sockaddr *)&address, &size)) die("getsockname");
  printf("port %u\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

/* A connected, blocking socket. */
static inline void connect_loopback(int fd, uint16_t port) {
  struct sockaddr_in address = loopback(port);
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
}
