/* init: the first process of a box, in its new namespaces: makes the working directory (a mount) the root, lets go
 * of the host's tree, and reaps until it is stopped. */
#include "bare.h"

void start(void)
{
    if (call(PIVOT_ROOT, (word)".", (word)".", 0, 0) < 0 || call(UMOUNT, (word)".", 2 /* MNT_DETACH */, 0, 0) < 0 ||
        call(CHDIR, (word)"/", 0, 0, 0) < 0)
        leave(1);
    wait_to_be_stopped();
    leave(0);
}
