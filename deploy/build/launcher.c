/*
 * Runs before the system's dynamic linker does: on a system whose glibc is too old for node, that linker would print
 * eight lines about versions and end. This says one sentence. Everywhere else it maps the linker as the kernel would have, puts
 * two settings of malloc before the environment (docs/decisions/0002-agent-memory.md), and hands over. No library, no
 * relocation; launcher.ts puts it into the binary and fills in `origin`.
 */
typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned short u16;

typedef struct {
    unsigned char ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
} Header;

typedef struct {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
} Segment;

#define SEGMENTS_MAX 32
#define PAGE 4096UL
#define DOWN(x) ((x) & ~(PAGE - 1))
#define UP(x) DOWN((x) + PAGE - 1)

enum { PT_LOAD = 1, PF_X = 1, PF_W = 2, PF_R = 4 };
enum { SYS_read = 0, SYS_write = 1, SYS_open = 2, SYS_close = 3, SYS_lseek = 8, SYS_mmap = 9, SYS_munmap = 11, SYS_pread = 17, SYS_exit = 60 };
enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32, O_CLOEXEC = 02000000, SEEK_END = 2 };
enum { AT_PHDR = 3, AT_PHNUM = 5, AT_BASE = 7, AT_ENTRY = 9 };

/* The program as it was before the launcher came: what the linker is to see. */
struct {
    char magic[16];
    u64 entry, phnum;
    Segment segments[SEGMENTS_MAX];
} const volatile origin __attribute__((section(".data"))) = { "RINGPOST_ORIGIN", 0, 0, { { 0, 0, 0, 0, 0, 0, 0, 0 } } };

/* Fewer arenas, and large buffers given back at once. */
static const char arenas[] = "MALLOC_ARENA_MAX=2";
static const char mapped[] = "MALLOC_MMAP_THRESHOLD_=65536";
static const char own[] = "MALLOC_";
#define SETTINGS 2

static const char linker[] = "/lib64/ld-linux-x86-64.so.2";
static const char needed[] = "GLIBC_2.28";
static const char sentence[] =
    "ringpost-agent needs glibc 2.28 or newer (Debian 10, Rocky 8 and later); this system is older: run it on a neighbour "
    "host over an SSH tunnel, as docs/agent.md tells.\n";

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}

static int failed(long result) { return result < 0 && result > -4096; }

static long open_file(const char *path) { return call(SYS_open, (long)path, O_CLOEXEC, 0, 0, 0, 0); }

static void give_up(void)
{
    call(SYS_write, 2, (long)sentence, sizeof sentence - 1, 0, 0, 0);
    call(SYS_exit, 78, 0, 0, 0, 0, 0);
    __builtin_unreachable();
}

/* Whether the file names the version; a file that is not there or cannot be read says nothing: -1. */
static int names_version(const char *path)
{
    long file = open_file(path);
    if (failed(file)) return -1;
    long size = call(SYS_lseek, file, 0, SEEK_END, 0, 0, 0);
    long memory = call(SYS_mmap, 0, size, PROT_READ, MAP_PRIVATE, file, 0);
    call(SYS_close, file, 0, 0, 0, 0, 0);
    if (size <= 0 || failed(memory)) return -1;
    const char *text = (const char *)memory;
    int found = 0;
    for (long at = 0; !found && at + (long)sizeof needed <= size; at++) {
        unsigned long same = 0;
        while (same < sizeof needed && text[at + same] == needed[same]) same++;
        found = same == sizeof needed;
    }
    call(SYS_munmap, memory, size, 0, 0, 0, 0);
    return found;
}

static void check_glibc(void)
{
    static const char *const paths[] = { "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib64/libc.so.6", "/usr/lib/libc.so.6" };
    for (unsigned n = 0; n < sizeof paths / sizeof *paths; n++) {
        int names = names_version(paths[n]);
        if (names == 1) return;
        if (names == 0) give_up();
    }
}

static u64 protection(u32 flags)
{
    return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0);
}

static void map_segment(long file, u64 base, const Segment *segment)
{
    u64 start = DOWN(base + segment->vaddr), end = base + segment->vaddr + segment->filesz, all = base + segment->vaddr + segment->memsz;
    u64 prot = protection(segment->flags);
    if (segment->filesz > 0 && failed(call(SYS_mmap, start, UP(end) - start, prot, MAP_PRIVATE | MAP_FIXED, file, DOWN(segment->offset)))) give_up();
    if (!(segment->flags & PF_W) || all <= end) return;
    /* To the end of the page, as the kernel does: the linker's first memory is what is left of it. */
    for (volatile char *at = (volatile char *)end; (u64)at < UP(end); at++) *at = 0;
    if (UP(all) > UP(end) && failed(call(SYS_mmap, UP(end), UP(all) - UP(end), prot, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0))) give_up();
}

/* Maps the dynamic linker as the kernel would have. Returns where, and its first instruction. */
static u64 map_linker(u64 *entry)
{
    Header header;
    Segment segments[SEGMENTS_MAX];
    long file = open_file(linker);
    if (failed(file) || call(SYS_pread, file, (long)&header, sizeof header, 0, 0, 0) != sizeof header || header.phnum > SEGMENTS_MAX) give_up();
    long bytes = header.phnum * sizeof(Segment);
    if (call(SYS_pread, file, (long)segments, bytes, header.phoff, 0, 0) != bytes) give_up();
    u64 span = 0;
    for (u32 n = 0; n < header.phnum; n++)
        if (segments[n].type == PT_LOAD && UP(segments[n].vaddr + segments[n].memsz) > span) span = UP(segments[n].vaddr + segments[n].memsz);
    long base = call(SYS_mmap, 0, span, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (failed(base)) give_up();
    for (u32 n = 0; n < header.phnum; n++)
        if (segments[n].type == PT_LOAD) map_segment(file, base, &segments[n]);
    call(SYS_close, file, 0, 0, 0, 0, 0);
    *entry = base + header.entry;
    return base;
}

typedef struct {
    u64 entry, *stack;
} Start;

static int sets_malloc(char *const *environment)
{
    for (; *environment != 0; environment++) {
        u64 same = 0;
        while (same < sizeof own - 1 && (*environment)[same] == own[same]) same++;
        if (same == sizeof own - 1) return 1;
    }
    return 0;
}

/*
 * Moves argc, argv and its end down to make room for the settings. Their number is even: the stack stays aligned. Whoever sets
 * malloc himself gets none: of two settings old glibcs take the first, new ones the last.
 */
static u64 *add_settings(u64 *stack)
{
    volatile u64 *to = stack - SETTINGS;
    u64 words = 1 + stack[0] + 1;
    if (sets_malloc((char *const *)(stack + words))) return stack;
    for (u64 n = 0; n < words; n++) to[n] = stack[n];
    to[words] = (u64)arenas;
    to[words + 1] = (u64)mapped;
    return (u64 *)to;
}

/* `stack` as the kernel left it: argc, argv, 0, environment, 0, auxiliary vector. Returns where to go on, and with what. */
__attribute__((used)) Start launch(u64 *stack)
{
    check_glibc();
    u64 entry, base = map_linker(&entry);
    u64 *at = stack + 1 + stack[0] + 1;
    while (*at != 0) at++;
    for (at++; at[0] != 0; at += 2) {
        if (at[0] == AT_PHDR) at[1] = (u64)origin.segments;
        if (at[0] == AT_PHNUM) at[1] = origin.phnum;
        if (at[0] == AT_BASE) at[1] = base;
        if (at[0] == AT_ENTRY) at[1] = origin.entry;
    }
    return (Start){ entry, add_settings(stack) };
}

__asm__(".globl _start\n"
        "_start:\n"
        "  mov %rsp, %rdi\n"
        /* Room for the settings above launch's own frame. */
        "  sub $64, %rsp\n"
        "  and $-16, %rsp\n"
        "  call launch\n"
        "  mov %rdx, %rsp\n"
        "  xor %edx, %edx\n"
        "  xor %ebp, %ebp\n"
        "  jmp *%rax\n");
