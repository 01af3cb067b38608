/* Programs without a libc: what they need of the kernel (x86-64), so that an image is a kilobyte. */
#ifndef BARE_H
#define BARE_H

typedef unsigned long word;

static inline long call(long nr, word a, word b, word c, word d)
{
    long ret;
    register word r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return ret;
}

enum {
    WRITE = 1, OPEN = 2, CLOSE = 3, EXIT = 60, WAIT4 = 61, TRUNCATE = 76, RENAME = 82, MKDIR = 83, RMDIR = 84,
    LINK = 86, UNLINK = 87, SYMLINK = 88, CHMOD = 90, SIGPROCMASK = 14, SIGTIMEDWAIT = 128, MKNOD = 133,
    SETXATTR = 188, CHDIR = 80, PIVOT_ROOT = 155, UMOUNT = 166,
};
enum { O_WRONLY_CREAT_TRUNC = 01 | 0100 | 01000 };
enum { SIG_INT = 2, SIG_TERM = 15, SIG_CHLD = 17 };

static inline word length(const char *s)
{
    word n = 0;
    while (s[n])
        n++;
    return n;
}

static inline void put(const char *path, const char *text, word mode)
{
    long fd = call(OPEN, (word)path, O_WRONLY_CREAT_TRUNC, mode, 0);
    if (fd < 0)
        return;
    call(WRITE, (word)fd, (word)text, length(text), 0);
    call(CLOSE, (word)fd, 0, 0, 0);
}

static inline void say(const char *text)
{
    call(WRITE, 1, (word)text, length(text), 0);
}

__attribute__((noreturn)) static inline void leave(word code)
{
    for (;;)
        call(EXIT, code, 0, 0, 0);
}

/* Waits for SIGTERM or SIGINT (blocked: also a pid 1 gets them so), and reaps every orphan until then. */
static inline void wait_to_be_stopped(void)
{
    word set = 1ul << (SIG_INT - 1) | 1ul << (SIG_TERM - 1) | 1ul << (SIG_CHLD - 1);
    call(SIGPROCMASK, 0, (word)&set, 0, 8);
    for (;;) {
        long got = call(SIGTIMEDWAIT, (word)&set, 0, 0, 8);
        if (got == SIG_TERM || got == SIG_INT)
            return;
        while (call(WAIT4, (word)-1, 0, 1 /* WNOHANG */, 0) > 0)
            ;
    }
}

void start(void);

#endif
