/* child-held HOW [PATH]: waits in the kernel for a child that it made by vfork, as posix_spawn makes one.
 *
 *   stopped   the child stops itself before it would run a program
 *   open      the child opens PATH first: on a file system that does not answer it waits there
 *   thread    as stopped, and it is a thread besides the first that waits
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char *how, *path;

static void *spawn(void *nothing)
{
    if (!vfork()) {
        if (!strcmp(how, "open"))
            open(path, O_RDONLY);
        else
            raise(SIGSTOP);
        execl("/usr/bin/busybox", "busybox", "true", (char *)0);
        _exit(127);
    }
    for (;;)
        pause();
    return nothing;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    how = argc > 1 ? argv[1] : "stopped";
    path = argc > 2 ? argv[2] : "/";
    signal(SIGCHLD, SIG_IGN);
    if (strcmp(how, "thread"))
        spawn(0);
    if (pthread_create(&thread, 0, spawn, 0))
        return 1;
    for (;;)
        pause();
}
