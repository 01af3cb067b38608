/* sleeper: changes its file system in every way an upper layer can show, then waits to be stopped. */
#include "bare.h"

void start(void)
{
    put("/data/written", "written by sleeper\n", 0644);
    put("/etc/app.conf", "changed = true\n", 0600);               /* copied up, then changed */
    call(UNLINK, (word)"/etc/gone-later", 0, 0, 0);               /* a whiteout */
    call(UNLINK, (word)"/srv/replaced/old", 0, 0, 0);             /* a directory removed and made again: opaque */
    call(RMDIR, (word)"/srv/replaced", 0, 0, 0);
    call(MKDIR, (word)"/srv/replaced", 0750, 0, 0);
    put("/srv/replaced/new", "new\n", 0644);
    call(LINK, (word)"/data/written", (word)"/data/written-again", 0, 0);
    call(SYMLINK, (word)"/etc/app.conf", (word)"/data/conf", 0, 0);
    call(CHMOD, (word)"/bin/tool", 04711, 0, 0);                  /* metadata only */
    call(RENAME, (word)"/usr/share/doc/b", (word)"/data/b", 0, 0);
    call(MKNOD, (word)"/data/queue", 010644, 0, 0);               /* a FIFO */
    call(SETXATTR, (word)"/data/written", (word)"user.origin", (word)"sleeper", 7);
    put("/data/holes", "x", 0644);
    call(TRUNCATE, (word)"/data/holes", 1 << 20, 0, 0);           /* sparse */
    say("sleeper is up\n");
    wait_to_be_stopped();
    put("/data/stopped", "politely\n", 0644);
    leave(0);
}
