// Under AddressSanitizer: lines of a block that nobody may touch. Else nothing.
#pragma once

#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOCKGATE_GUARDS
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define LOCKGATE_GUARDS
#endif

#if defined(LOCKGATE_GUARDS)
#include <sanitizer/asan_interface.h>
#define LOCKGATE_POISON_FLOATS(data, floats) \
    ASAN_POISON_MEMORY_REGION(data, (floats) * sizeof(float))
#define LOCKGATE_UNPOISON_FLOATS(data, floats) \
    ASAN_UNPOISON_MEMORY_REGION(data, (floats) * sizeof(float))
#define LOCKGATE_GUARD 16
#else
#define LOCKGATE_POISON_FLOATS(data, floats) ((void)(data), (void)(floats))
#define LOCKGATE_UNPOISON_FLOATS(data, floats) ((void)(data), (void)(floats))
#define LOCKGATE_GUARD 0
#endif
