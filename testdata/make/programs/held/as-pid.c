/* as-pid PID COMMAND...: runs COMMAND with this process id, which is free: what the kernel does when ids wrap around. */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3)
        return 16;
    pid_t wanted = atoi(argv[1]);
    struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0) {
        perror("clone3");
        return 1;
    }
    if (pid)
        return 0;
    setsid();
    execv(argv[2], argv + 2);
    _exit(127);
}
