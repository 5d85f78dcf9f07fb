/*
 * Users of the stream: connects many, checks every byte that each receives, and measures the way from the source's
 * send to the receipt. Some may be stalled: they ask for a channel and never read.
 *
 * Told by lines on stdin, answers by lines on stdout:
 *     (all have received something)   ready
 *     start                           the measured interval begins
 *     stop                            it ends: one JSON line about it
 *     end                             reads until nothing has come for a second: one JSON line about the whole life
 */
#include "histogram.h"
#include "viewer.h"
#include <sys/epoll.h>

enum { EVENTS = 256, READ_BYTES = 262144, CONNECTS_A_TURN = 32, TURN_MS = 50, QUIET_NS = 1000000000 };
/* Of an Ethernet, and small: with loopback's own, megabytes fit between server and user before the user stalls. */
enum { STALLED_SEGMENT_BYTES = 1448, STALLED_BUFFER_BYTES = 8192 };

struct user {
  struct viewer viewer;
  uint64_t interval_packets;
};

/* What is counted over an interval and over the whole life alike. */
struct counts {
  uint64_t packets, missing, gaps;
};

static struct user *users, standard_input = {.viewer.fd = STDIN_FILENO};
static long user_count, stalled_count, channel_count, connected, started;
static uint16_t port;
static int epoll, in_interval, over_http;
static struct counts life, interval;
static uint64_t interval_start_ns, last_receipt_ns;
static struct histogram latency;

static void watch(struct user *user) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = user};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, user->viewer.fd, &event)) die("epoll_ctl");
}

/* The stalled ones come last. */
static void connect_next(void) {
  struct user *user = &users[connected];
  int stalled = connected >= user_count, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) die("socket");
  user->viewer = (struct viewer){.fd = fd, .id = connected, .channel = (unsigned)(connected % channel_count)};
  if (stalled) {
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &(int){STALLED_SEGMENT_BYTES}, sizeof(int));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){STALLED_BUFFER_BYTES}, sizeof(int));
  }
  connect_loopback(fd, port);
  viewer_asks(&user->viewer, over_http);
  if (!stalled) watch(user);
  connected++;
}

static void count(struct counts *counts, uint64_t missing) {
  counts->packets++;
  counts->missing += missing;
  counts->gaps += missing > 0;
}

/* A viewer is the first member of its user. */
static void taken(struct viewer *viewer, const struct stamp *stamp, uint64_t missing) {
  started += !viewer->started;
  count(&life, missing);
  if (!in_interval) return;
  count(&interval, missing);
  ((struct user *)viewer)->interval_packets++;
  histogram_add(&latency, (last_receipt_ns - stamp->sent_ns) / 1000);
}

static void receive(struct user *user) {
  static uint8_t buffer[READ_BYTES];
  ssize_t received = recv(user->viewer.fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (received < 0 && errno == EAGAIN) return;
  if (received <= 0) viewer_fails(&user->viewer, "the server closed the connection", NULL);
  last_receipt_ns = now_ns();
  viewer_takes(&user->viewer, buffer, (size_t)received, taken);
}

static void print_counts(const struct counts *counts) {
  printf("{\"packets\":%llu,\"bytes\":%llu,\"missing\":%llu,\"gaps\":%llu", (unsigned long long)counts->packets,
         (unsigned long long)counts->packets * PAYLOAD_BYTES, (unsigned long long)counts->missing,
         (unsigned long long)counts->gaps);
}

static void report_interval(void) {
  uint64_t least = UINT64_MAX, most = 0;
  for (const struct user *user = users; user < users + user_count; user++) {
    if (user->interval_packets < least) least = user->interval_packets;
    if (user->interval_packets > most) most = user->interval_packets;
  }
  print_counts(&interval);
  printf(",\"seconds\":%.3f,\"leastPackets\":%llu,\"mostPackets\":%llu",
         (double)(now_ns() - interval_start_ns) / 1e9, (unsigned long long)least, (unsigned long long)most);
  printf(",\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"p999Ms\":%.3f,\"maxMs\":%.3f}\n", histogram_quantile_ms(&latency, 0.5),
         histogram_quantile_ms(&latency, 0.99), histogram_quantile_ms(&latency, 0.999),
         (double)latency.max_us / 1000.0);
}

/* Once drained, users of one channel have all ended at the same sequence, with no payload begun; others are behind. */
static _Noreturn void report_life(void) {
  long behind = 0;
  for (const struct user *user = users; user < users + user_count; user++) {
    const struct user *other = user - users < channel_count ? user : user - channel_count;
    behind += user->viewer.sequence != other->viewer.sequence || user->viewer.held > 0;
  }
  print_counts(&life);
  printf(",\"behind\":%ld}\n", behind);
  exit(0);
}

static int obey(void) {
  char line[64];
  ssize_t bytes = read(STDIN_FILENO, line, sizeof line);
  if (bytes <= 0) exit(1);
  if (strncmp(line, "start\n", (size_t)bytes) == 0) {
    in_interval = 1;
    interval_start_ns = now_ns();
  } else if (strncmp(line, "stop\n", (size_t)bytes) == 0) {
    report_interval();
    in_interval = 0;
  } else {
    return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 5 && argc != 6) {
    fprintf(stderr, "usage: users <port> <users> <stalled users> <channels> [http]\n");
    return 2;
  }
  port = (uint16_t)number_argument(argv[1], 1, 65535);
  user_count = number_argument(argv[2], 0, 100000);
  stalled_count = number_argument(argv[3], 0, 100000);
  channel_count = number_argument(argv[4], 1, MAX_CHANNELS);
  over_http = argc == 6;
  live_with_parent();
  setvbuf(stdout, NULL, _IOLBF, 0);
  prepare_images();
  users = calloc((size_t)(user_count + stalled_count), sizeof *users);
  if (users == NULL) die("calloc");
  epoll = epoll_create1(0);
  watch(&standard_input);
  for (int told = 0, ending = 0; !ending || now_ns() - last_receipt_ns < QUIET_NS;) {
    long turn = connected + CONNECTS_A_TURN, all = user_count + stalled_count;
    while (connected < all && connected < turn) connect_next();
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, connected < all ? 0 : TURN_MS);
    for (int i = 0; i < ready; i++) {
      struct user *user = events[i].data.ptr;
      if (user == &standard_input) {
        ending |= obey();
      } else {
        receive(user);
      }
    }
    if (!told && connected == all && started == user_count) told = printf("ready\n");
  }
  report_life();
}
