#include "threads.h"

#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace lockgate {

namespace {

// The entry points of GNU's OpenMP runtime, which LLVM's has by the same names.
using RunTeam = void (*)(void (*fn)(void*), void* data, unsigned threads, unsigned flags);
using TeamSize = int (*)();

std::atomic<RunTeam> openmp_run_team{nullptr};
std::atomic<TeamSize> openmp_team_size{nullptr};
std::atomic<bool> forked{false};  // the threads of a pool do not survive a fork

// Calls work(size) on up to `threads` threads, of which the caller is one; size is their number.
template <class F>
void run_on_threads(int64_t threads, F work) {
    if (threads <= 1 || forked) return work(1);
    if (const RunTeam run = openmp_run_team) {
        run([](void* data) { (*static_cast<F*>(data))(openmp_team_size.load()()); }, &work,
            static_cast<unsigned>(threads), 0);
        return;
    }
    std::atomic<int64_t> size{0};
    std::vector<std::thread> others;
    try {
        for (int64_t i = 1; i < threads; ++i)
            others.emplace_back([&] {
                while (size == 0) std::this_thread::yield();
                work(size);
            });
    } catch (const std::system_error&) {
        // the system gives no more threads: those that there are do the work
    }
    size = static_cast<int64_t>(others.size()) + 1;
    work(size);
    for (std::thread& other : others) other.join();
}

}  // namespace

void use_openmp(uintptr_t run_team, uintptr_t team_size) {
    openmp_team_size = reinterpret_cast<TeamSize>(team_size);
    openmp_run_team = reinterpret_cast<RunTeam>(run_team);
}

void watch_forks() {
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork(nullptr, nullptr, [] { forked = true; });
#endif
}

const char* pool_name() {
    if (forked) return "one thread, since this process was forked";
    return openmp_run_team.load() != nullptr
               ? "torch's own"
               : "started for each call, since torch's were not found";
}

void run_parallel(int64_t count, Job job, void* data) {
    if (count <= 1) {
        if (count == 1) job(data, 0);
        return;
    }
    std::atomic<int64_t> next{0};
    run_on_threads(count, [&](int64_t) {
        for (int64_t index; (index = next++) < count;) job(data, index);
    });
}

void run_team(int64_t most, TeamJob job, void* data) {
    Barrier barrier;
    std::atomic<int64_t> next{0};
    run_on_threads(most, [&](int64_t size) {
        const int64_t member = next++;
        barrier.join(size);
        job(data, member, size, barrier);
    });
}

void Barrier::join(int64_t members) {
    members_.store(members, std::memory_order_relaxed);
}

void Barrier::wait() {
    const int64_t members = members_.load(std::memory_order_relaxed);
    if (members == 1) return;
    const int64_t round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == members) {
        arrived_.store(0, std::memory_order_relaxed);
        round_.store(round + 1, std::memory_order_release);
        return;
    }
    // a step takes microseconds: to sleep would take longer, to spin for ever would starve a
    // thread that has no core
    for (int turn = 0; round_.load(std::memory_order_acquire) == round; ++turn)
        if (turn > 4000) std::this_thread::yield();
}

}  // namespace lockgate
