/* pause: the first process of a pod, and of a box: reaps, and waits to be stopped. */
#include "bare.h"

void start(void)
{
    wait_to_be_stopped();
    leave(0);
}
