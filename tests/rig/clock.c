/* For LD_PRELOAD: libc's clock of the day, shifted by the seconds (an int64_t) at the beginning of the file that the
   environment variable GOFAXPY_CLOCK names.  The file may change at any time.  Other clocks are left as they are.
   No headers, so that tcc needs no libc6-dev. */

struct timespec { long tv_sec, tv_nsec; };
struct timeval { long tv_sec, tv_usec; };
enum { REALTIME = 0, REALTIME_COARSE = 5, READ = 1, SHARED = 1 };

extern char *getenv(const char *name);
extern int open(const char *name, int flags, ...);
extern void *mmap(void *address, unsigned long length, int protection, int flags, int fd, long offset);
extern void *dlsym(void *handle, const char *name);

static int (*real)(int clock, struct timespec *now);
static long none;
static volatile long *shift;

static long seconds(void)
{
    if (!shift) {
        char *name = getenv("GOFAXPY_CLOCK");
        int fd = name ? open(name, 0) : -1;
        void *page = fd < 0 ? (void *) -1 : mmap(0, 4096, READ, SHARED, fd, 0);
        shift = page == (void *) -1 ? &none : page;
    }
    return *shift;
}

int clock_gettime(int clock, struct timespec *now)
{
    int failed;
    if (!real)
        real = dlsym((void *) -1L /* RTLD_NEXT */, "clock_gettime");
    failed = real(clock, now);
    if (!failed && (clock == REALTIME || clock == REALTIME_COARSE))
        now->tv_sec += seconds();
    return failed;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec at;
    clock_gettime(REALTIME, &at);
    now->tv_sec = at.tv_sec;
    now->tv_usec = at.tv_nsec / 1000;
    return 0;
}

long time(long *result)
{
    struct timespec at;
    clock_gettime(REALTIME, &at);
    if (result)
        *result = at.tv_sec;
    return at.tv_sec;
}
