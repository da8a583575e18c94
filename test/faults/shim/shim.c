/*
 * Preloaded into the agent: a machine clock that can be set, and a disk that can stall, fail, or forget what was not synced.
 * What it does is read from a shared control page, so a test changes it while the agent runs:
 *   int64 [0] added to the wall clock, nanoseconds
 *   int64 [1] 1: writes and syncs below FAULTS_WATCH wait until this is 0 again
 *   int64 [2] not 0: writes below FAULTS_WATCH fail with this errno; unless it is ENOSPC, syncs too
 *   int64 [3] 1: what is written below FAULTS_WATCH and not synced yet is noted in FAULTS_UNSYNCED (unsynced.ts reads it)
 *   int64 [4] 1: syncs below FAULTS_WATCH say that they are done, and do nothing
 * The monotonic clock is never touched: no machine's jumps.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

enum { CLOCK_OFFSET_NS, STALL, FAILURE, NOTE_UNSYNCED, SYNC_LIES, FIELDS };

static volatile int64_t nothing[FIELDS];
static volatile int64_t *control = nothing;
static const char *watch = "";
static int notes = -1;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULTS_CONTROL");
  if (getenv("FAULTS_WATCH")) watch = getenv("FAULTS_WATCH");
  if (getenv("FAULTS_UNSYNCED")) notes = open(getenv("FAULTS_UNSYNCED"), O_WRONLY | O_APPEND | O_CLOEXEC);
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

static int fails(int fd) {
  if (!control[FAILURE] || !watched(fd)) return 0;
  errno = (int)control[FAILURE];
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/*
 * What a cut of the power would take: a note for every change of a watched file, written before the change is made, with the
 * bytes that were there and those that replace them; and a note for every sync, written after it. All notes are little-endian
 * int64: kind (1 change, 2 sync, 3 length), inode, offset, count of old bytes, count of new bytes, length of the file before;
 * then the old bytes and the new.
 */
static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER;

static void note(int64_t kind, int fd, off_t at, const void *data, size_t count) {
  struct stat is;
  if (notes < 0 || !control[NOTE_UNSYNCED] || !watched(fd) || fstat(fd, &is)) return;
  size_t there = kind == 1 ? count : kind == 3 && is.st_size > at ? is.st_size - at : 0;
  char *old = malloc(there + 1);
  ssize_t had = there ? pread(fd, old, there, at) : 0;
  int64_t head[] = {kind, is.st_ino, at, had < 0 ? 0 : had, kind == 1 ? count : 0, is.st_size};
  pthread_mutex_lock(&noting);
  static __typeof__(&write) real;
  if (!real) real = REAL(write);
  real(notes, head, sizeof head);
  if (had > 0) real(notes, old, had);
  if (kind == 1) real(notes, data, count);
  pthread_mutex_unlock(&noting);
  free(old);
}

static int sync_with(int (*real)(int), int fd) {
  stall(fd);
  if (control[SYNC_LIES] && watched(fd)) return 0;
  if (control[FAILURE] != ENOSPC && fails(fd)) return -1;
  int result = real(fd);
  if (!result) note(2, fd, 0, NULL, 0);
  return result;
}

int fsync(int fd) {
  static __typeof__(&fsync) real;
  if (!real) real = REAL(fsync);
  return sync_with(real, fd);
}

int fdatasync(int fd) {
  static __typeof__(&fdatasync) real;
  if (!real) real = REAL(fdatasync);
  return sync_with(real, fd);
}

int ftruncate(int fd, off_t length) {
  static __typeof__(&ftruncate) real;
  if (!real) real = REAL(ftruncate);
  note(3, fd, length, NULL, 0);
  return real(fd, length);
}

int ftruncate64(int fd, off64_t length) {
  return ftruncate(fd, length);
}

ssize_t write(int fd, const void *data, size_t count) {
  static __typeof__(&write) real;
  if (!real) real = REAL(write);
  stall(fd);
  if (fails(fd)) return -1;
  if (control[NOTE_UNSYNCED]) note(1, fd, lseek(fd, 0, SEEK_CUR), data, count);
  return real(fd, data, count);
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t at) {
  static __typeof__(&pwrite) real;
  if (!real) real = REAL(pwrite);
  stall(fd);
  if (fails(fd)) return -1;
  note(1, fd, at, data, count);
  return real(fd, data, count, at);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t at) {
  return pwrite(fd, data, count, at);
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
