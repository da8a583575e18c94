/* stat and its kin became symbols of their own in glibc 2.33; before, the headers called these with a version number. */
struct stat;
#define STAT_VERSION 1
extern int old_stat(int version, const char *path, struct stat *to);
extern int old_lstat(int version, const char *path, struct stat *to);
extern int old_fstat(int version, int fd, struct stat *to);
__asm__(".symver old_stat,__xstat64@GLIBC_2.2.5");
__asm__(".symver old_lstat,__lxstat64@GLIBC_2.2.5");
__asm__(".symver old_fstat,__fxstat64@GLIBC_2.2.5");

#define HIDDEN __attribute__((visibility("hidden")))
HIDDEN int stat64(const char *path, struct stat *to) { return old_stat(STAT_VERSION, path, to); }
HIDDEN int lstat64(const char *path, struct stat *to) { return old_lstat(STAT_VERSION, path, to); }
HIDDEN int fstat64(int fd, struct stat *to) { return old_fstat(STAT_VERSION, fd, to); }
HIDDEN int fstat(int fd, struct stat *to) { return old_fstat(STAT_VERSION, fd, to); }

/* libstdc++ has it since GCC 11 only; reached when an array's length overflows, which ends the process there too. */
HIDDEN void bad_array_length(void) __asm__("_ZSt28__throw_bad_array_new_lengthv");
void bad_array_length(void) { __builtin_trap(); }
