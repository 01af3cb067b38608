/* last-thread: its first thread has ended, and another lives on: as 1 of a pid namespace it is that one which, when all
 * is killed, waits for the rest of the namespace. */
#include <pthread.h>
#include <unistd.h>

static void *stay(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

int main(void)
{
    pthread_t thread;
    if (pthread_create(&thread, 0, stay, 0))
        return 1;
    pthread_exit(0);
}
