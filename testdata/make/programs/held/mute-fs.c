/* mute-fs DIRECTORY: a file system (FUSE) of a server that hangs: its root can be examined and mounted elsewhere; who
 * looks at /hang in it waits for ever. As NFS, when its server is gone. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int device;

static void answer(struct fuse_in_header *in, int error, void *data, size_t size)
{
    struct fuse_out_header out = {.len = sizeof out + (error ? 0 : size), .error = -error, .unique = in->unique};
    struct iovec parts[] = {{&out, sizeof out}, {data, error ? 0 : size}};
    if (writev(device, parts, 2) < 0)
        perror("answer");
}

int main(int argc, char **argv)
{
    static char request[1 << 20];
    char options[128];
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (argc != 2 || device < 0)
        return 16;
    snprintf(options, sizeof options, "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", device);
    if (mount("mute", argv[1], "fuse.mute", 0, options)) {
        perror("mount");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        ssize_t got = read(device, request, sizeof request);
        struct fuse_in_header *in = (void *)request;
        if (got < 0 && errno == ENODEV)
            return 0;
        if (got < (ssize_t)sizeof *in)
            continue;
        if (in->opcode == FUSE_INIT) {
            struct fuse_init_out out = {.major = 7, .minor = 31, .max_readahead = 65536, .max_write = 65536};
            answer(in, 0, &out, sizeof out);
        } else if (in->opcode == FUSE_GETATTR && in->nodeid == 1) {
            struct fuse_attr_out out = {.attr_valid = 1, .attr = {.ino = 1, .mode = S_IFDIR | 0755, .nlink = 2}};
            answer(in, 0, &out, sizeof out);
        } else if (in->opcode == FUSE_LOOKUP && strcmp(request + sizeof *in, "hang"))
            answer(in, ENOENT, 0, 0);
        else if (in->opcode == FUSE_LOOKUP || in->opcode == FUSE_INTERRUPT || in->opcode == FUSE_FORGET)
            ; /* silence */
        else
            answer(in, ENOSYS, 0, 0);
    }
}
