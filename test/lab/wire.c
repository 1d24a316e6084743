/*
 * The cable of the laboratory, for kernels without netem: one switch in user space.
 *
 * Lives here: tap devices, and what happens to each Ethernet frame between two of them: delay with
 * jitter, loss, overtaking, a rate, one-way cuts. Does not live here: who wants what and when
 * (network.ts, faults.ts).
 *
 * Run: `wire PREFIX HOSTS SEED` in the namespace of the switch. It makes the taps PREFIX1 … and
 * prints `ready`; the hosts' own namespaces take them afterwards. A host's Ethernet address ends in
 * its number. Orders are lines of standard input:
 *   shape HOST DELAY_US JITTER_US LOSS_PPM REORDER_PPM BYTES_PER_S   what leaves HOST; rate 0: none
 *   cut FROM TO 0|1                                                  one way
 *   count                                                            prints what became of frames
 * It ends, and the taps with it, when standard input ends.
 *
 * Invariants: frames of a pair keep their order unless drawn to overtake; a frame is dropped by a
 * cut also when it was on its way; what is on its way is bounded, and the newest is dropped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { HOSTS_MAX = 32, FRAMES_MAX = 8192, FRAME_BYTES_MAX = 2048, LINE_BYTES_MAX = 4096 };
/* Of netem's default: frames that one host may have on their way. */
enum { FRAMES_PER_HOST_MAX = 1000, READS_MAX = 64 };
#define MILLION 1000000ULL
#define THOUSAND 1000ULL

struct shape { uint64_t delay_us, jitter_us, loss_ppm, reorder_ppm, bytes_per_s; };

struct frame {
  uint64_t due_us, order;
  int from, to, length;
  unsigned char bytes[FRAME_BYTES_MAX];
};

static struct { uint64_t frames, bytes, lost, cut, full, overtook, waited_us; } counts;
static struct shape shapes[HOSTS_MAX];
static unsigned char cuts[HOSTS_MAX][HOSTS_MAX];
static uint64_t last_due_us[HOSTS_MAX][HOSTS_MAX], free_at_us[HOSTS_MAX];
static int on_their_way[HOSTS_MAX], taps[HOSTS_MAX], hosts;
static struct frame *heap[FRAMES_MAX];
static int heap_size;
static uint64_t orders, random_state;

static void fail(const char *what) {
  fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_us(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * MILLION + (uint64_t)at.tv_nsec / THOUSAND;
}

/* xorshift64*: the same seed draws the same, though frames themselves come as they come. */
static uint64_t draw(uint64_t below) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (random_state * 2685821657736338717ULL >> 11) % below;
}

static int open_tap(const char *name) {
  struct ifreq request;
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) fail("/dev/net/tun cannot be opened");
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
  if (ioctl(fd, TUNSETIFF, &request) < 0) fail("a tap cannot be made");
  return fd;
}

static int earlier(const struct frame *one, const struct frame *two) {
  return one->due_us < two->due_us || (one->due_us == two->due_us && one->order < two->order);
}

static void push(struct frame *frame) {
  int at = heap_size++;
  while (at > 0 && earlier(frame, heap[(at - 1) / 2])) {
    heap[at] = heap[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  heap[at] = frame;
}

static struct frame *pop(void) {
  struct frame *first = heap[0], *last = heap[--heap_size];
  int at = 0;
  for (;;) {
    int child = 2 * at + 1;
    if (child >= heap_size) break;
    if (child + 1 < heap_size && earlier(heap[child + 1], heap[child])) child++;
    if (!earlier(heap[child], last)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return first;
}

/* One copy of a frame on its way from one host to one other. */
static void carry(int from, int to, const unsigned char *bytes, int length, uint64_t sent_us) {
  const struct shape *shape = &shapes[from];
  struct frame *frame;
  uint64_t due_us = sent_us + shape->delay_us;
  if (cuts[from][to]) { counts.cut++; return; }
  if (draw(MILLION) < shape->loss_ppm) { counts.lost++; return; }
  if (heap_size == FRAMES_MAX || on_their_way[from] == FRAMES_PER_HOST_MAX) {
    counts.full++;
    return;
  }
  if (shape->jitter_us > 0) due_us += draw(2 * shape->jitter_us + 1) - shape->jitter_us;
  if (draw(MILLION) < shape->reorder_ppm) {
    due_us = sent_us;
    counts.overtook++;
  } else {
    if (due_us < last_due_us[from][to]) due_us = last_due_us[from][to];
    last_due_us[from][to] = due_us;
  }
  frame = malloc(sizeof *frame);
  if (frame == NULL) fail("memory");
  *frame = (struct frame){ .due_us = due_us, .order = orders++, .from = from, .to = to,
    .length = length };
  memcpy(frame->bytes, bytes, (size_t)length);
  on_their_way[from]++;
  push(frame);
}

/* A frame that a host has sent: to whom its address says, or to all others. */
static void take(int from, const unsigned char *bytes, int length) {
  const struct shape *shape = &shapes[from];
  uint64_t sent_us = now_us();
  int to = (bytes[0] & 1) == 0 ? bytes[5] - 1 : -1;
  counts.frames++;
  counts.bytes += (uint64_t)length;
  if (shape->bytes_per_s > 0) {
    if (sent_us < free_at_us[from]) sent_us = free_at_us[from];
    sent_us += (uint64_t)length * MILLION / shape->bytes_per_s;
    free_at_us[from] = sent_us;
  }
  if (to >= 0 && to < hosts) { carry(from, to, bytes, length, sent_us); return; }
  for (to = 0; to < hosts; to++) if (to != from) carry(from, to, bytes, length, sent_us);
}

static void deliver(void) {
  while (heap_size > 0 && heap[0]->due_us <= now_us()) {
    struct frame *frame = pop();
    counts.waited_us += now_us() - frame->due_us;
    on_their_way[frame->from]--;
    if (cuts[frame->from][frame->to]) counts.cut++;
    /* A device that is down takes nothing, like a machine that is off. */
    else if (write(taps[frame->to], frame->bytes, (size_t)frame->length) < 0) counts.lost++;
    free(frame);
  }
}

static int host_of(unsigned number) {
  return number >= 1 && number <= (unsigned)hosts ? (int)number - 1 : -1;
}

static void obey(const char *line) {
  unsigned host, other, cut;
  struct shape shape;
  if (sscanf(line, "shape %u %lu %lu %lu %lu %lu", &host, &shape.delay_us, &shape.jitter_us,
      &shape.loss_ppm, &shape.reorder_ppm, &shape.bytes_per_s) == 6 && host_of(host) >= 0) {
    if (shape.jitter_us > shape.delay_us) shape.jitter_us = shape.delay_us;
    shapes[host_of(host)] = shape;
  } else if (sscanf(line, "cut %u %u %u", &host, &other, &cut) == 3 && host_of(host) >= 0
      && host_of(other) >= 0) {
    cuts[host_of(host)][host_of(other)] = cut != 0;
  } else if (strcmp(line, "count") == 0) {
    printf("{\"frames\":%lu,\"bytes\":%lu,\"lost\":%lu,\"cut\":%lu,\"full\":%lu,\"overtook\":%lu,"
      "\"waited_us\":%lu}\n", counts.frames, counts.bytes, counts.lost, counts.cut, counts.full,
      counts.overtook, counts.waited_us);
    fflush(stdout);
  } else {
    fprintf(stderr, "wire: not an order: %s\n", line);
    exit(1);
  }
}

/* False at the end of standard input. */
static int listen_to_orders(void) {
  static char text[LINE_BYTES_MAX];
  static size_t held;
  char *end;
  ssize_t got = read(STDIN_FILENO, text + held, sizeof text - 1 - held);
  if (got <= 0) return 0;
  held += (size_t)got;
  while ((end = memchr(text, '\n', held)) != NULL) {
    *end = 0;
    obey(text);
    held -= (size_t)(end + 1 - text);
    memmove(text, end + 1, held);
  }
  return held < sizeof text - 1;
}

static void run(void) {
  struct pollfd waits[HOSTS_MAX + 1];
  unsigned char bytes[FRAME_BYTES_MAX];
  int host, reads;
  for (;;) {
    struct timespec *limit = NULL, left;
    if (heap_size > 0) {
      uint64_t at = now_us(), due = heap[0]->due_us, us = due > at ? due - at : 0;
      left = (struct timespec){ .tv_sec = (time_t)(us / MILLION),
        .tv_nsec = (long)(us % MILLION * THOUSAND) };
      limit = &left;
    }
    for (host = 0; host < hosts; host++) {
      waits[host] = (struct pollfd){ .fd = taps[host], .events = POLLIN };
    }
    waits[hosts] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
    if (ppoll(waits, (nfds_t)hosts + 1, limit, NULL) < 0 && errno != EINTR) fail("poll");
    for (host = 0; host < hosts; host++) {
      if ((waits[host].revents & POLLERR) != 0) {
        fprintf(stderr, "wire: the tap of host %d is gone\n", host + 1);
        exit(1);
      }
      if ((waits[host].revents & POLLIN) == 0) continue;
      for (reads = 0; reads < READS_MAX; reads++) {
        ssize_t length = read(taps[host], bytes, sizeof bytes);
        if (length < 14) break;
        take(host, bytes, (int)length);
      }
    }
    deliver();
    if (waits[hosts].revents != 0 && !listen_to_orders()) return;
  }
}

int main(int count, char **words) {
  char name[IFNAMSIZ];
  int host;
  if (count != 4) { fprintf(stderr, "usage: wire PREFIX HOSTS SEED\n"); return 2; }
  hosts = atoi(words[2]);
  if (hosts < 1 || hosts > HOSTS_MAX) { fprintf(stderr, "wire: 1 … 32 hosts\n"); return 2; }
  random_state = strtoull(words[3], NULL, 10) * 2 + 1;
  /* A terminal's interrupt is for the laboratory, which ends this program in its own order. */
  signal(SIGINT, SIG_IGN);
  for (host = 0; host < hosts; host++) {
    snprintf(name, sizeof name, "%s%d", words[1], host + 1);
    taps[host] = open_tap(name);
  }
  printf("ready\n");
  fflush(stdout);
  run();
  return 0;
}
