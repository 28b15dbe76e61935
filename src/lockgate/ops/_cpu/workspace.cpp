#include "workspace.h"

#include "guard.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace lockgate {

namespace {

constexpr size_t huge_page = size_t{2} << 20;

struct Kept {
    float* data;
    size_t bytes;
};

struct Store {
    std::mutex mutex;
    std::vector<Kept> kept;  // the oldest first
    std::unordered_map<float*, size_t> lent;
    size_t kept_bytes = 0, lent_bytes = 0;
    size_t limit = size_t{1} << 30;
};

// never destroyed: tensors may give their blocks back while the process ends
Store& blocks() {
    static Store* only = new Store;
    return *only;
}

bool poisoned() {
    static const bool on = [] {
        const char* value = std::getenv("LOCKGATE_POISON");
        return value != nullptr && std::strcmp(value, "1") == 0;
    }();
    return on;
}

float* allocate(size_t bytes) {
    const size_t alignment = bytes >= huge_page ? huge_page : 64;
    void* data = std::aligned_alloc(alignment, bytes);
    if (data == nullptr) throw std::bad_alloc();
#if defined(__linux__)
    if (bytes >= huge_page)
        madvise(data, bytes, MADV_HUGEPAGE);  // a wish: without it all is as right
#endif
    return static_cast<float*>(data);
}

// With the lock held.
void shrink(Store& store, size_t bytes) {
    size_t count = 0;
    while (store.kept_bytes > bytes) {
        store.kept_bytes -= store.kept[count].bytes;
        std::free(store.kept[count].data);
        ++count;
    }
    store.kept.erase(store.kept.begin(), store.kept.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

float* take_block(size_t floats) {
    if (floats > std::numeric_limits<size_t>::max() / 8) throw std::bad_alloc();
    const size_t wanted = std::max<size_t>(floats, 16) * sizeof(float);
    const size_t unit = wanted >= huge_page ? huge_page : 64;
    const size_t bytes = (wanted + unit - 1) / unit * unit;
    Store& store = blocks();
    Kept block{nullptr, bytes};
    {
        const std::lock_guard<std::mutex> lock(store.mutex);
        auto best = store.kept.end();
        for (auto it = store.kept.begin(); it != store.kept.end(); ++it)
            if (it->bytes >= bytes && it->bytes <= 2 * bytes &&
                (best == store.kept.end() || it->bytes < best->bytes))
                best = it;
        if (best != store.kept.end()) {
            block = *best;
            store.kept.erase(best);
            store.kept_bytes -= block.bytes;
        }
    }
    if (block.data == nullptr) block.data = allocate(bytes);
    {
        const std::lock_guard<std::mutex> lock(store.mutex);
        store.lent.emplace(block.data, block.bytes);
        store.lent_bytes += block.bytes;
    }
    if (poisoned())
        std::fill_n(block.data, block.bytes / sizeof(float),
                    std::numeric_limits<float>::quiet_NaN());
    return block.data;
}

void give_block(float* data) {
    Store& store = blocks();
    const std::lock_guard<std::mutex> lock(store.mutex);
    const auto found = store.lent.find(data);
    const Kept block{data, found->second};
    LOCKGATE_UNPOISON_FLOATS(data, block.bytes / sizeof(float));  // what an arena has guarded
    store.lent.erase(found);
    store.lent_bytes -= block.bytes;
    store.kept.push_back(block);
    store.kept_bytes += block.bytes;
    shrink(store, store.limit);
}

BlockCounts count_blocks() {
    Store& store = blocks();
    const std::lock_guard<std::mutex> lock(store.mutex);
    return {store.kept_bytes, store.lent_bytes};
}

void keep_at_most(size_t bytes) {
    Store& store = blocks();
    const std::lock_guard<std::mutex> lock(store.mutex);
    store.limit = bytes;
    shrink(store, bytes);
}

size_t most_kept() {
    Store& store = blocks();
    const std::lock_guard<std::mutex> lock(store.mutex);
    return store.limit;
}

}  // namespace lockgate
