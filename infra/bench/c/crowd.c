/*
 * Users who come in crowds and may be refused: checks every byte that each receives, and times how soon it is heard.
 *
 * Told by lines on stdin, answers each by one JSON line on stdout:
 *     come <count>    so many more connect at once; answered once each of them has heard something, or after a limit
 *     again           all hang up and connect anew at once; answered likewise
 *     start           the measured interval begins
 *     stop            it ends
 */
#include "histogram.h"
#include "viewer.h"
#include <sys/epoll.h>

enum { EVENTS = 256, READ_BYTES = 262144, CONNECTS_A_TURN = 32, TURN_MS = 50 };
static const uint64_t LONGEST_WAIT_NS = 15000000000;

/* A line of refusal does, a payload never. */
static const uint8_t REFUSAL_BEGINS = 'E';

enum state { OUTSIDE, CONNECTING, ASKING, REFUSED, WATCHING };

struct user {
  struct viewer viewer; /* holds the line of refusal, while there is one */
  enum state state;
  uint64_t came_ns;
};

/* Of those who came by one command. */
struct crowd {
  long came, in, refused, reset;
  uint64_t began_ns, answered_ns;
};

static struct user *users, standard_input = {.viewer.fd = STDIN_FILENO};
static long most_users, user_count, channel_count;
static uint16_t port;
static int epoll, in_interval;
static struct crowd crowd;
static int crowd_waits;
static long next_to_connect, cut_off;
static uint64_t received_ns, life_missing, interval_packets;
static struct histogram first_byte, latency;

static void watch(struct user *user, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = user};
  if (epoll_ctl(epoll, operation, user->viewer.fd, &event)) die("epoll_ctl");
}

static void leave(struct user *user) {
  close(user->viewer.fd);
  user->state = OUTSIDE;
}

static void answered(long *how) {
  ++*how;
  crowd.answered_ns = now_ns();
}

static void ask(struct user *user) {
  viewer_asks(&user->viewer, 0);
  user->state = ASKING;
}

static void connect_user(struct user *user) {
  long id = user - users;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) die("socket");
  user->viewer = (struct viewer){.fd = fd, .id = id, .channel = (unsigned)(id % channel_count)};
  user->came_ns = now_ns();
  struct sockaddr_in address = loopback(port);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
    ask(user);
    watch(user, EPOLL_CTL_ADD, EPOLLIN);
  } else if (errno == EINPROGRESS) {
    user->state = CONNECTING;
    watch(user, EPOLL_CTL_ADD, EPOLLOUT);
  } else {
    die("connect");
  }
}

static void connected(struct user *user) {
  int error = 0;
  getsockopt(user->viewer.fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
  if (error != 0) {
    answered(&crowd.reset);
    leave(user);
    return;
  }
  ask(user);
  watch(user, EPOLL_CTL_MOD, EPOLLIN);
}

/* A viewer is the first member of its user. */
static void taken(struct viewer *viewer, const struct stamp *stamp, uint64_t missing) {
  (void)viewer;
  life_missing += missing;
  if (!in_interval) return;
  interval_packets++;
  histogram_add(&latency, (received_ns - stamp->sent_ns) / 1000);
}

static void refusal_comes(struct user *user, const uint8_t *bytes, size_t count) {
  struct viewer *viewer = &user->viewer;
  if (viewer->held + count > sizeof viewer->part) viewer_fails(viewer, "a refusal without an end", NULL);
  memcpy(viewer->part + viewer->held, bytes, count);
  viewer->held += count;
  if (viewer->part[viewer->held - 1] != '\n') return;
  answered(&crowd.refused);
  leave(user);
}

static void hear_first(struct user *user, uint8_t byte) {
  if (byte == REFUSAL_BEGINS) {
    user->state = REFUSED;
    return;
  }
  user->state = WATCHING;
  histogram_add(&first_byte, (received_ns - user->came_ns) / 1000);
  answered(&crowd.in);
}

static void closed(struct user *user) {
  if (user->state == WATCHING) cut_off++;
  else answered(&crowd.reset);
  leave(user);
}

static void receive(struct user *user) {
  static uint8_t buffer[READ_BYTES];
  ssize_t received = recv(user->viewer.fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (received < 0 && errno == EAGAIN) return;
  if (received <= 0) {
    closed(user);
    return;
  }
  received_ns = now_ns();
  if (user->state == ASKING) hear_first(user, buffer[0]);
  if (user->state == REFUSED) refusal_comes(user, buffer, (size_t)received);
  else viewer_takes(&user->viewer, buffer, (size_t)received, taken);
}

static void crowd_begins(long first, long came) {
  crowd = (struct crowd){.came = came, .began_ns = now_ns()};
  crowd.answered_ns = crowd.began_ns;
  first_byte = (struct histogram){0};
  next_to_connect = first;
  crowd_waits = 1;
}

static void come(long count) {
  if (count > most_users - user_count) {
    fprintf(stderr, "crowd: only %ld more may come\n", most_users - user_count);
    exit(2);
  }
  crowd_begins(user_count, count);
  user_count += count;
}

static void again(void) {
  for (struct user *user = users; user < users + user_count; user++) {
    if (user->state != OUTSIDE) leave(user);
  }
  crowd_begins(0, user_count);
}

static void report_crowd(void) {
  printf("{\"came\":%ld,\"in\":%ld,\"refused\":%ld,\"reset\":%ld", crowd.came, crowd.in, crowd.refused, crowd.reset);
  printf(",\"seconds\":%.3f", (double)(crowd.answered_ns - crowd.began_ns) / 1e9);
  printf(",\"p50Ms\":%.3f,\"p99Ms\":%.3f}\n", histogram_quantile_ms(&first_byte, 0.5),
         histogram_quantile_ms(&first_byte, 0.99));
  crowd_waits = 0;
}

static void look_whether_all_are_answered(void) {
  if (crowd.in + crowd.refused + crowd.reset == crowd.came) report_crowd();
  else if (now_ns() - crowd.began_ns > LONGEST_WAIT_NS) report_crowd();
}

static void report_interval(void) {
  printf("{\"packets\":%llu,\"missing\":%llu,\"cutOff\":%ld", (unsigned long long)interval_packets,
         (unsigned long long)life_missing, cut_off);
  printf(",\"p50Ms\":%.3f,\"p99Ms\":%.3f}\n", histogram_quantile_ms(&latency, 0.5),
         histogram_quantile_ms(&latency, 0.99));
}

static void obey(void) {
  char line[64] = {0};
  if (read(STDIN_FILENO, line, sizeof line - 1) <= 0) exit(1);
  long count;
  if (sscanf(line, "come %ld", &count) == 1) {
    come(count);
  } else if (strcmp(line, "again\n") == 0) {
    again();
  } else if (strcmp(line, "start\n") == 0) {
    latency = (struct histogram){0};
    interval_packets = 0;
    in_interval = 1;
    printf("{}\n");
  } else if (strcmp(line, "stop\n") == 0) {
    in_interval = 0;
    report_interval();
  }
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: crowd <port> <most users> <channels>\n");
    return 2;
  }
  port = (uint16_t)number_argument(argv[1], 1, 65535);
  most_users = number_argument(argv[2], 1, 100000);
  channel_count = number_argument(argv[3], 1, MAX_CHANNELS);
  live_with_parent();
  setvbuf(stdout, NULL, _IOLBF, 0);
  prepare_images();
  users = calloc((size_t)most_users, sizeof *users);
  if (users == NULL) die("calloc");
  epoll = epoll_create1(0);
  watch(&standard_input, EPOLL_CTL_ADD, EPOLLIN);
  for (;;) {
    long turn = next_to_connect + CONNECTS_A_TURN;
    while (next_to_connect < user_count && next_to_connect < turn) connect_user(&users[next_to_connect++]);
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, next_to_connect < user_count ? 0 : TURN_MS);
    for (int i = 0; i < ready; i++) {
      struct user *user = events[i].data.ptr;
      if (user == &standard_input) obey();
      else if (user->state == CONNECTING) connected(user);
      else if (user->state != OUTSIDE) receive(user);
    }
    if (crowd_waits && next_to_connect == user_count) look_whether_all_are_answered();
  }
}
