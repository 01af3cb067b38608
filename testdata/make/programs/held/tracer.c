/* tracer PID: a debugger that hangs: it has attached to PID, and takes no notice of anything that happens to it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 2 || ptrace(PTRACE_SEIZE, atoi(argv[1]), 0, 0)) {
        perror("seize");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
