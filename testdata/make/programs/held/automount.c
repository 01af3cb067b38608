/* automount DIRECTORY: an automounter that hangs: whoever goes into DIRECTORY waits until it has mounted something there. */
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int asked[2];
    char options[128];
    if (argc != 2 || pipe(asked))
        return 16;
    setpgid(0, 0);
    snprintf(options, sizeof options, "fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", asked[1], getpgrp());
    if (mount("automount", argv[1], "autofs", 0, options)) {
        perror("mount");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
