/* stop-exec COMMAND...: becomes COMMAND, and is stopped (SIGSTOP) before its first instruction, traced by nobody. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int stop_at_exec(pid_t pid, int ready)
{
    int status;
    if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXEC) || write(ready, "", 1) != 1)
        return 1;
    close(ready);
    while (waitpid(pid, &status, __WALL) == pid && !WIFEXITED(status))
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
            kill(pid, SIGSTOP);
            return ptrace(PTRACE_DETACH, pid, 0, 0) != 0;
        } else if (ptrace(PTRACE_CONT, pid, 0, WIFSTOPPED(status) && !(status >> 16) ? WSTOPSIG(status) : 0))
            return 1;
    return 1;
}

int main(int argc, char **argv)
{
    int ready[2];
    char byte;
    if (argc < 2 || pipe(ready))
        return 16;
    pid_t self = getpid(), middle = fork();
    if (!middle) {
        close(ready[0]);
        if (!fork())
            _exit(stop_at_exec(self, ready[1]));
        _exit(0);
    }
    waitpid(middle, 0, 0);
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        return 1;
    close(ready[0]);
    execvp(argv[1], argv + 1);
    return 127;
}
