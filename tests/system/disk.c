/* An LD_PRELOAD library between a process and its disk.
 *
 * Records, in the order in which they happened, every write, truncation, sync and removal of the
 * files whose path starts with DISK_FILES, into DISK_LOG: what tests/system/power_loss.py builds
 * the disks of a crashed machine from. Injects what DISK_CONTROL, a small file that the test
 * maps as well, asks for: errors, slow syncs, a kill, another clock.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {            /* tests/system/injection.py packs it */
    int32_t sync_per_mille; /* so many syncs in a thousand fail */
    int32_t write_per_mille;
    int32_t error;       /* with this errno */
    int32_t sync_delay_ms; /* what a slow disk takes */
    int64_t clock_ms;    /* added to the wall clock */
    int64_t kill_after;  /* the process dies at the n-th write or sync from now; 0: never */
    int64_t failures;    /* counted here */
};

struct entry {
    char kind; /* Write, Truncate, Sync, Failed sync, Unlink */
    char pad;
    uint16_t name_length;
    uint32_t length;
    int64_t offset;
};

static struct control nothing;
static struct control *control = &nothing;
static const char *files;
static size_t files_length;
static int journal = -1;
static uint32_t dice = 2463534242u;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER; /* the log's order is the disk's */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static __attribute__((constructor)) void start(void)
{
    const char *log = getenv("DISK_LOG"), *path = getenv("DISK_CONTROL");
    files = getenv("DISK_FILES");
    files_length = files ? strlen(files) : 0;
    if (log)
        journal = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (path) {
        int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
        void *mapped = fd < 0 ? MAP_FAILED
                              : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (mapped != MAP_FAILED)
            control = mapped;
        if (fd >= 0)
            syscall(SYS_close, fd);
    }
}

static int is_ours(const char *path)
{
    size_t length = strlen(path);
    int is_shared_memory = length > 4 && !strcmp(path + length - 4, "-shm");
    return files && !strncmp(path, files, files_length) && !is_shared_memory;
}

static int name_of(int fd, char *path)
{
    char link[64];
    if (!files || fd < 0 || fd == journal)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 1023);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return is_ours(path);
}

static void note(char kind, const char *path, int64_t offset, const void *bytes, size_t length)
{
    struct entry entry = {kind, 0, strlen(path), length, offset};
    struct iovec parts[3] = {
        {&entry, sizeof entry}, {(void *)path, entry.name_length}, {(void *)bytes, length}};
    if (journal >= 0 && syscall(SYS_writev, journal, parts, 3) < 0)
        abort(); /* a log with a hole would prove nothing */
}

static int fails(int32_t per_mille)
{
    if (per_mille <= 0)
        return 0;
    dice ^= dice << 13, dice ^= dice >> 17, dice ^= dice << 5;
    if ((int32_t)(dice % 1000) >= per_mille)
        return 0;
    control->failures++;
    return 1;
}

static void count_down(void)
{
    if (control->kill_after > 0 && --control->kill_after == 0)
        kill(getpid(), SIGKILL);
}

#define WRITING(call, offset_of_it)                                  \
    char path[1024];                                                 \
    if (!name_of(fd, path))                                          \
        return call;                                                 \
    pthread_mutex_lock(&order);                                      \
    count_down();                                                    \
    ssize_t written = -1;                                            \
    errno = control->error;                                          \
    if (!fails(control->write_per_mille) && (written = call) > 0)    \
        note('W', path, offset_of_it, bytes, written);               \
    int kept = errno;                                                \
    pthread_mutex_unlock(&order);                                    \
    errno = kept;                                                    \
    return written

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    WRITING(REAL(pwrite64)(fd, bytes, length, offset), offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    WRITING(REAL(pwrite)(fd, bytes, length, offset), offset);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    WRITING(REAL(write)(fd, bytes, length), syscall(SYS_lseek, fd, 0, SEEK_CUR) - written);
}

static int truncating(int (*real)(int, off64_t), int fd, off64_t length)
{
    char path[1024];
    if (!name_of(fd, path))
        return real(fd, length);
    pthread_mutex_lock(&order);
    count_down();
    int result = real(fd, length), kept = errno;
    if (!result)
        note('T', path, length, "", 0);
    pthread_mutex_unlock(&order);
    errno = kept;
    return result;
}

int ftruncate64(int fd, off64_t length) { return truncating(REAL(ftruncate64), fd, length); }
int ftruncate(int fd, off_t length) { return truncating(REAL(ftruncate), fd, length); }

static int syncing(int (*real)(int), int fd)
{
    char path[1024];
    if (!name_of(fd, path))
        return real(fd);
    if (control->sync_delay_ms > 0)
        usleep(control->sync_delay_ms * 1000);
    pthread_mutex_lock(&order);
    count_down();
    int has_failed = fails(control->sync_per_mille);
    int result = has_failed ? -1 : real(fd), kept = has_failed ? control->error : errno;
    note(result ? 'F' : 'S', path, 0, "", 0);
    pthread_mutex_unlock(&order);
    errno = kept;
    return result;
}

int fsync(int fd) { return syncing(REAL(fsync), fd); }
int fdatasync(int fd) { return syncing(REAL(fdatasync), fd); }

int unlink(const char *path)
{
    if (!is_ours(path))
        return REAL(unlink)(path);
    pthread_mutex_lock(&order);
    count_down();
    int result = REAL(unlink)(path), kept = errno;
    if (!result)
        note('U', path, 0, "", 0);
    pthread_mutex_unlock(&order);
    errno = kept;
    return result;
}

/* The wall clock; the monotonic one is nobody's to set. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = syscall(SYS_clock_gettime, clock, now);
    if (!result && clock == CLOCK_REALTIME && control->clock_ms) {
        now->tv_sec += control->clock_ms / 1000;
    }
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
