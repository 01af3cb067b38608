/* scanner FILE...: a scanner of files that must allow that these are opened (fanotify), and answers nobody. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_LARGEFILE);
    if (argc < 2 || group < 0)
        return 16;
    for (int nth = 1; nth < argc; nth++)
        if (fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM, AT_FDCWD, argv[nth]))
            return 1;
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
