/* no-reap COMMAND...: the parent that its orphans fall to, and that never waits for any but COMMAND itself. */
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int status;
    if (argc < 2 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
        return 16;
    pid_t pid = fork();
    if (!pid) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status)
        return 1;
    puts("done");
    fflush(stdout);
    for (;;)
        pause();
}
