/* Loaded into a server before everything else: notes, at every fsync that succeeded, how long the file was when it began.
 * What stands behind that length is what a power cut may take. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int noted(int fd, const char *name)
{
    int (*sync_file)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct stat file;
    int regular = fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
    int result = sync_file(fd);
    if (result == 0 && regular) {
        char line[64];
        int length = snprintf(line, sizeof line, "%lu %ld\n", (unsigned long)file.st_ino, (long)file.st_size);
        int log = open("synced", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (write(log, line, length) != length)
            _exit(70);
        close(log);
    }
    return result;
}

int fsync(int fd)
{
    return noted(fd, "fsync");
}

int fdatasync(int fd)
{
    return noted(fd, "fdatasync");
}
