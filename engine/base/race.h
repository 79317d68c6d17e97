/*
 * race: tells ThreadSanitizer of the orders that it cannot see, because libraries make them in assembly. Nothing in any
 * other build.
 *
 * Known by the doors between threads alone (ring.c, swap.c).
 */
#ifndef VIGIA_BASE_RACE_H
#define VIGIA_BASE_RACE_H

#include <stdint.h>

#if defined(__SANITIZE_THREAD__)
#define RACE_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RACE_WATCHED 1
#endif
#endif

#ifdef RACE_WATCHED
void __tsan_acquire(void *at);
void __tsan_release(void *at);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
#endif

/* What this thread did so far is visible to whoever passes `race_after` with the same place later. */
static inline void race_before(const void *place)
{
#ifdef RACE_WATCHED
    __tsan_release((void *)(uintptr_t)place);
#else
    (void)place;
#endif
}

static inline void race_after(const void *place)
{
#ifdef RACE_WATCHED
    __tsan_acquire((void *)(uintptr_t)place);
#else
    (void)place;
#endif
}

/* Between the two, this thread's reads and writes are a library's own business. */
static inline void race_ignore(void)
{
#ifdef RACE_WATCHED
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
}

static inline void race_watch(void)
{
#ifdef RACE_WATCHED
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#endif
}

#endif
