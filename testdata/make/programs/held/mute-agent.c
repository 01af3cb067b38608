/* mute-agent SOCKET: takes the listeners of seccomp that runc sends to it, and never answers a notification. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int own = socket(AF_UNIX, SOCK_STREAM, 0);
    if (argc != 2 || strlen(argv[1]) >= sizeof at.sun_path)
        return 16;
    strcpy(at.sun_path, argv[1]);
    if (bind(own, (void *)&at, sizeof at) || listen(own, 8))
        return 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        char text[65536], control[256];
        struct iovec part = {text, sizeof text};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        int peer = accept(own, 0, 0);
        if (peer >= 0 && recvmsg(peer, &message, 0) >= 0)
            close(peer);
    }
}
