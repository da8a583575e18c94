/*
 * Preloaded into the agent: a machine clock that can be set, and a disk that can stall or be full.
 * What it does is read from a shared control page, so a test changes it while the agent runs:
 *   int64 [0] added to the wall clock, nanoseconds
 *   int64 [1] 1: writes and syncs below FAULTS_WATCH wait until this is 0 again
 *   int64 [2] 1: writes below FAULTS_WATCH fail with ENOSPC
 * The monotonic clock is never touched: no machine's jumps.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK_OFFSET_NS, STALL, FULL, FIELDS };

static volatile int64_t nothing[FIELDS];
static volatile int64_t *control = nothing;
static const char *watch = "";

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULTS_CONTROL");
  if (getenv("FAULTS_WATCH")) watch = getenv("FAULTS_WATCH");
  int fd = path ? open(path, O_RDONLY) : -1;
  if (fd < 0) return;
  void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) control = page;
}

static int watched(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0 || !*watch) return 0;
  path[length] = 0;
  return strncmp(path, watch, strlen(watch)) == 0;
}

static void stall(int fd) {
  if (!control[STALL] || !watched(fd)) return;
  struct timespec pause = {0, 2000000};
  while (control[STALL]) nanosleep(&pause, NULL);
}

static int full(int fd) {
  if (!control[FULL] || !watched(fd)) return 0;
  errno = ENOSPC;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) {
  static __typeof__(&fsync) real;
  if (!real) real = REAL(fsync);
  stall(fd);
  return real(fd);
}

int fdatasync(int fd) {
  static __typeof__(&fdatasync) real;
  if (!real) real = REAL(fdatasync);
  stall(fd);
  return real(fd);
}

ssize_t write(int fd, const void *data, size_t count) {
  static __typeof__(&write) real;
  if (!real) real = REAL(write);
  stall(fd);
  return full(fd) ? -1 : real(fd, data, count);
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t at) {
  static __typeof__(&pwrite) real;
  if (!real) real = REAL(pwrite);
  stall(fd);
  return full(fd) ? -1 : real(fd, data, count, at);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t at) {
  static __typeof__(&pwrite64) real;
  if (!real) real = REAL(pwrite64);
  stall(fd);
  return full(fd) ? -1 : real(fd, data, count, at);
}

int clock_gettime(clockid_t id, struct timespec *now) {
  static __typeof__(&clock_gettime) real;
  if (!real) real = REAL(clock_gettime);
  int result = real(id, now);
  int64_t offset = control[CLOCK_OFFSET_NS];
  if (result || !offset || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)) return result;
  int64_t at = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + offset;
  now->tv_sec = at / 1000000000;
  now->tv_nsec = at % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *now, void *zone) {
  (void)zone;
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  now->tv_sec = at.tv_sec;
  now->tv_usec = at.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *into) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (into) *into = at.tv_sec;
  return at.tv_sec;
}
