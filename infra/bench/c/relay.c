/*
 * The floor that the edge node is measured against: takes packets off the same wire and writes each payload to each
 * user of its channel as it comes, one write per packet and user. No order, no log, no accounts. A user whose socket
 * is full loses whole packets, which are counted; a payload that was taken in part is finished first.
 * Told to end (SIGTERM), it says what it left out.
 */
#include "common.h"
#include <fcntl.h>
#include <sys/epoll.h>

enum { MAX_PAYLOAD_BYTES = 65536, READ_BYTES = 65536, EVENTS = 256, LINE_BYTES = 512 };

struct user {
  int fd;
  size_t line_bytes; /* of the handshake so far */
  char line[LINE_BYTES + 1];
  struct user *next; /* of the same channel */
  uint8_t *rest;     /* of a payload that the socket took in part */
  size_t rest_bytes;
};

static struct user *watchers[MAX_CHANNELS];
static uint64_t dropped;
static volatile sig_atomic_t ending;
static int epoll;

static void end(int signal) {
  (void)signal;
  ending = 1;
}

static void watch(struct user *user, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = user};
  if (epoll_ctl(epoll, operation, user->fd, &event)) die("epoll_ctl");
}

static void give(struct user *user, const uint8_t *bytes, size_t count) {
  if (user->rest_bytes > 0) {
    dropped++;
    return;
  }
  ssize_t written = send(user->fd, bytes, count, MSG_DONTWAIT);
  if (written < 0) {
    dropped++;
    return;
  }
  if ((size_t)written == count) return;
  if (user->rest == NULL && (user->rest = malloc(MAX_PAYLOAD_BYTES)) == NULL) die("malloc");
  user->rest_bytes = count - (size_t)written;
  memcpy(user->rest, bytes + written, user->rest_bytes);
  watch(user, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void finish_rest(struct user *user) {
  ssize_t written = send(user->fd, user->rest, user->rest_bytes, MSG_DONTWAIT);
  if (written <= 0) return;
  user->rest_bytes -= (size_t)written;
  memmove(user->rest, user->rest + written, user->rest_bytes);
  if (user->rest_bytes == 0) watch(user, EPOLL_CTL_MOD, EPOLLIN);
}

static void leave(struct user *user) {
  for (int channel = 0; channel < MAX_CHANNELS; channel++) {
    for (struct user **at = &watchers[channel]; *at != NULL; at = &(*at)->next) {
      if (*at != user) continue;
      *at = user->next;
      break;
    }
  }
  close(user->fd);
  free(user->rest);
  free(user);
}

/* The handshake, and the end of a user. What comes after the line is dropped. */
static void read_user(struct user *user) {
  char spare[LINE_BYTES];
  int known = user->line_bytes > 0 && user->line[user->line_bytes - 1] == '\n';
  ssize_t count = known ? recv(user->fd, spare, sizeof spare, MSG_DONTWAIT)
                        : recv(user->fd, user->line + user->line_bytes, LINE_BYTES - user->line_bytes, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    leave(user);
    return;
  }
  if (known) return;
  user->line_bytes += (size_t)count;
  user->line[user->line_bytes] = '\0';
  if (user->line[user->line_bytes - 1] != '\n') return;
  const char *space = strchr(user->line, ' ');
  int channel = space == NULL ? -1 : channel_number(space + 1);
  if (channel < 0) {
    leave(user);
    return;
  }
  user->next = watchers[channel];
  watchers[channel] = user;
}

static void accept_users(int listener) {
  for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
    no_delay(fd);
    struct user *user = calloc(1, sizeof *user);
    if (user == NULL) die("calloc");
    user->fd = fd;
    watch(user, EPOLL_CTL_ADD, EPOLLIN);
  }
}

static void fan_out(const uint8_t *packet, size_t payload_bytes) {
  int channel = channel_number((const char *)packet + CHANNEL_OFFSET);
  if (channel < 0) return;
  for (struct user *user = watchers[channel]; user != NULL; user = user->next) {
    give(user, packet + HEADER_BYTES, payload_bytes);
  }
}

static int read_source(int fd) {
  static uint8_t buffer[READ_BYTES + HEADER_BYTES + MAX_PAYLOAD_BYTES];
  static size_t held;
  ssize_t count = recv(fd, buffer + held, READ_BYTES, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return 1;
  if (count <= 0) return 0;
  held += (size_t)count;
  size_t at = 0;
  while (held - at >= HEADER_BYTES) {
    uint32_t wire;
    memcpy(&wire, buffer + at + LENGTH_OFFSET, sizeof wire);
    size_t payload_bytes = ntohl(wire);
    if (payload_bytes > MAX_PAYLOAD_BYTES) return 0;
    if (held - at < HEADER_BYTES + payload_bytes) break;
    fan_out(buffer + at, payload_bytes);
    at += HEADER_BYTES + payload_bytes;
  }
  held -= at;
  memmove(buffer, buffer + at, held);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: relay <port of the channel source>\n");
    return 2;
  }
  live_with_parent();
  sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
  epoll = epoll_create1(0);
  static struct user listening, sourcing;
  sourcing.fd = socket(AF_INET, SOCK_STREAM, 0);
  connect_loopback(sourcing.fd, (uint16_t)number_argument(argv[1], 1, 65535));
  watch(&sourcing, EPOLL_CTL_ADD, EPOLLIN);
  listening.fd = listen_and_tell();
  fcntl(listening.fd, F_SETFL, O_NONBLOCK);
  watch(&listening, EPOLL_CTL_ADD, EPOLLIN);
  while (!ending) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      struct user *user = events[i].data.ptr;
      if (user == &listening) {
        accept_users(listening.fd);
      } else if (user == &sourcing) {
        if (!read_source(sourcing.fd)) watch(&sourcing, EPOLL_CTL_DEL, 0);
      } else if (events[i].events & (EPOLLERR | EPOLLHUP)) {
        leave(user);
      } else if (events[i].events & EPOLLOUT) {
        finish_rest(user);
      } else {
        read_user(user);
      }
    }
  }
  if (dropped > 0) fprintf(stderr, "    relay: %llu payloads left out, sockets full\n", (unsigned long long)dropped);
  return 0;
}
