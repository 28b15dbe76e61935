// Work on the threads of torch's own pool, or on threads of ours where it cannot be found.
//
// A second pool beside torch's would spin against it, so the entry point of the OpenMP runtime that
// torch has loaded is passed in once.
#pragma once

#include <atomic>
#include <cstdint>

namespace lockgate {

// The entry points of an OpenMP runtime: of GOMP_parallel and of omp_get_num_threads.
void use_openmp(uintptr_t run_team, uintptr_t team_size);
// From now on a forked child computes on one thread.
void watch_forks();
// In words, what threads the kernels run on.
const char* pool_name();

// Members of a team wait here until all have come.
class Barrier {
  public:
    void join(int64_t members);  // says how many there are; every member does
    void wait();

  private:
    std::atomic<int64_t> members_{1}, arrived_{0}, round_{0};
};

using Job = void (*)(void* data, int64_t index);
using TeamJob = void (*)(void* data, int64_t member, int64_t members, Barrier& barrier);

// Calls the job for 0 ... count - 1, side by side where threads are free; no call may wait for
// another.
void run_parallel(int64_t count, Job job, void* data);
// Calls the job on at most `most` threads that all run at once.
void run_team(int64_t most, TeamJob job, void* data);

template <class F>
void parallel(int64_t count, F f) {
    run_parallel(count, [](void* data, int64_t index) { (*static_cast<F*>(data))(index); }, &f);
}

template <class F>
void team(int64_t most, F f) {
    run_team(
        most,
        [](void* data, int64_t member, int64_t members, Barrier& barrier) {
            (*static_cast<F*>(data))(member, members, barrier);
        },
        &f);
}

}  // namespace lockgate
