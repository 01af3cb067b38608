/* once: writes some files, says so, and exits with 3. */
#include "bare.h"

void start(void)
{
    call(MKDIR, (word)"/out", 0755, 0, 0);
    put("/out/result", "42\n", 0644);
    put("/out/log\n\033[31mred", "a name with a newline and an escape\n", 0644);
    say("once is done\n");
    leave(3);
}
