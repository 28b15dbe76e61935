// The Python module `lockgate.ops._kernels`: addresses in, addresses out. What they must satisfy
// is checked by the callers, `lockgate/ops/kernels.py` and `sampling.py`.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "call.h"
#include "threads.h"
#include "workspace.h"

namespace nb = nanobind;

namespace lockgate {

#define LOCKGATE_DECLARE(name)                   \
    namespace name {                             \
    extern const InstructionSet instruction_set; \
    }
#if defined(LOCKGATE_HAS_AVX512)
LOCKGATE_DECLARE(avx512)
LOCKGATE_DECLARE(avx512_int8)
#endif
#if defined(LOCKGATE_HAS_AVX512_BFLOAT16)
LOCKGATE_DECLARE(avx512_bfloat16)
#endif
#if defined(LOCKGATE_HAS_AVX2)
LOCKGATE_DECLARE(avx2)
LOCKGATE_DECLARE(avx2_int8)
#endif
LOCKGATE_DECLARE(generic)
LOCKGATE_DECLARE(generic_int8)

namespace {

// An instruction set with each kind of words; without bfloat16 null.
struct Family {
    const InstructionSet *floats, *int8, *bfloat16;
};

// Those that this processor has, the fastest first.
std::vector<Family> present() {
    std::vector<Family> families;
#if defined(LOCKGATE_HAS_AVX512)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("fma")) {
        families.push_back({&avx512::instruction_set, &avx512_int8::instruction_set, nullptr});
#if defined(LOCKGATE_HAS_AVX512_BFLOAT16)
        if (__builtin_cpu_supports("avx512bf16"))
            families.back().bfloat16 = &avx512_bfloat16::instruction_set;
#endif
    }
#endif
#if defined(LOCKGATE_HAS_AVX2)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        families.push_back({&avx2::instruction_set, &avx2_int8::instruction_set, nullptr});
#endif
    families.push_back({&generic::instruction_set, &generic_int8::instruction_set, nullptr});
    return families;
}

Family chosen = present().front();

const InstructionSet* with(Words words) {
    switch (words) {
        case Words::floats:
            return chosen.floats;
        case Words::bfloat16:
            return chosen.bfloat16;
        case Words::int8:
            return chosen.int8;
    }
    throw std::logic_error("no such words");
}

enum class Cell { rnn, lstm, gru };

Kernel kernel_of(Cell cell, Words words) {
    const InstructionSet* set = with(words);
    if (set == nullptr) throw std::invalid_argument("this processor has no AVX-512 BF16");
    switch (cell) {
        case Cell::rnn:
            return set->rnn();
        case Cell::lstm:
            return set->lstm();
        case Cell::gru:
            return set->gru();
    }
    throw std::logic_error("no such cell");
}

template <class T>
T* at(uintptr_t address) {
    return reinterpret_cast<T*>(address);
}

void forward(Cell cell, const Call& call) {
    const nb::gil_scoped_release release;
    const Kernel kernel = kernel_of(cell, call.words);
    const Block workspace(static_cast<size_t>(kernel.forward_size(call, false)));
    kernel.forward(call, nullptr, workspace.data());
}

void backward(Cell cell, const Call& call) {
    const nb::gil_scoped_release release;
    const Kernel kernel = kernel_of(cell, call.words);
    const Block workspace(static_cast<size_t>(kernel.backward_size(call)));
    kernel.backward(call, workspace.data());
}

int64_t gates_of(Cell cell) {
    return cell == Cell::lstm ? 4 : cell == Cell::gru ? 3 : 1;
}

// Weights in panels, masks, gains and working memory for one step after another. The interpreter's
// lock is kept: a step takes microseconds, and two steps at once would share the memory.
class Stepper {
  public:
    Stepper(Cell cell, const Call& call)
        : kernel_(kernel_of(cell, call.words)),
          call_(call),
          packed_(static_cast<size_t>(kernel_.packed_size(call))) {
        kernel_.pack(call_, packed_.data());
        keep(call_.zoneout_h, call_.P, zoneout_h_);
        keep(call_.zoneout_c, call_.H, zoneout_c_);
        const int64_t sums = gates_of(cell) * call_.H;
        keep(call_.ln_ih, sums, ln_ih_);
        keep(call_.ln_hh, sums, ln_hh_);
        keep(call_.ln_c, call_.H, ln_c_);
        keep(call_.ln_c_bias, call_.H, ln_c_bias_);
    }

    void step(int threads, int64_t B, uintptr_t x, int64_t x_batch, uintptr_t h, uintptr_t c,
              uintptr_t next_h, uintptr_t next_c) {
        call_.threads = threads, call_.B = B;
        call_.x = at<float>(x), call_.x_batch = x_batch;
        call_.h0 = at<float>(h), call_.c0 = at<float>(c);
        call_.output = call_.last_h = at<float>(next_h), call_.last_c = at<float>(next_c);
        const size_t size = static_cast<size_t>(kernel_.forward_size(call_, true));
        if (workspace_ == nullptr || size > size_) {
            workspace_ = std::make_unique<Block>(size);
            size_ = size;
        }
        kernel_.forward(call_, packed_.data(), workspace_->data());
    }

  private:
    // copies a mask that is one for all steps and samples
    void keep(Mask& mask, int64_t features, std::vector<float>& copy) {
        if (mask.data == nullptr) return;
        keep(mask.data, features, copy);
        mask = Mask{mask.data};
    }
    static void keep(const float*& data, int64_t size, std::vector<float>& copy) {
        if (data == nullptr) return;
        copy.assign(data, data + size);
        data = copy.data();
    }

    Kernel kernel_;
    Call call_;
    Block packed_;
    std::vector<float> zoneout_h_, zoneout_c_, ln_ih_, ln_hh_, ln_c_, ln_c_bias_;
    std::unique_ptr<Block> workspace_;
    size_t size_ = 0;
};

void sample_mask(uintptr_t mask, int64_t size, uint64_t key, uint32_t dropped, float scale) {
    const nb::gil_scoped_release release;
    chosen.floats->sample_mask(at<float>(mask), size, key, dropped, scale);
}

using Floats = nb::ndarray<nb::pytorch, float, nb::ndim<1>>;

Floats block(size_t floats) {
    float* data = take_block(floats);
    const nb::capsule owner(
        data, [](void* pointer) noexcept { give_block(static_cast<float*>(pointer)); });
    return Floats(data, {floats}, owner);
}

}  // namespace

}  // namespace lockgate

NB_MODULE(_kernels, m) {
    using namespace lockgate;
    watch_forks();

    nb::enum_<Cell>(m, "Cell")
        .value("rnn", Cell::rnn)
        .value("lstm", Cell::lstm)
        .value("gru", Cell::gru);

    nb::enum_<Words>(m, "Words")
        .value("floats", Words::floats)
        .value("bfloat16", Words::bfloat16)
        .value("int8", Words::int8);

    nb::class_<Call>(m, "Call")
        .def("__init__",
             [](Call* call, int64_t T, int64_t B, int64_t I, int64_t H, int64_t P, bool reverse,
                bool reset_after, bool relu, Words words, int64_t every, int threads) {
                 new (call) Call;
                 call->T = T, call->B = B, call->I = I, call->H = H, call->P = P;
                 call->reverse = reverse, call->reset_after = reset_after;
                 call->words = words, call->every = every, call->threads = threads;
                 call->nonlinearity = relu ? Nonlinearity::relu : Nonlinearity::tanh;
             })
        .def("x", [](Call& c, uintptr_t data, int64_t time,
                     int64_t batch) { c.x = at<float>(data), c.x_time = time, c.x_batch = batch; })
        .def("state",
             [](Call& c, uintptr_t h, uintptr_t c_) { c.h0 = at<float>(h), c.c0 = at<float>(c_); })
        .def("weights",
             [](Call& c, uintptr_t w_ih, uintptr_t w_hh, uintptr_t b_ih, uintptr_t b_hh) {
                 c.w_ih = at<float>(w_ih), c.w_hh = at<float>(w_hh), c.b_ih = at<float>(b_ih),
                 c.b_hh = at<float>(b_hh);
             })
        .def("projection", [](Call& c, uintptr_t w_hr) { c.w_hr = at<float>(w_hr); })
        .def("norms",
             [](Call& c, uintptr_t ln_ih, uintptr_t ln_hh, uintptr_t ln_c, uintptr_t ln_c_bias) {
                 c.ln_ih = at<float>(ln_ih), c.ln_hh = at<float>(ln_hh), c.ln_c = at<float>(ln_c),
                 c.ln_c_bias = at<float>(ln_c_bias);
             })
        .def("mask_x", [](Call& c, uintptr_t data, int64_t time, int64_t gate, int64_t batch,
                          bool gated) { c.mask_x = {at<float>(data), time, gate, batch, gated}; })
        .def("mask_h", [](Call& c, uintptr_t data, int64_t time, int64_t gate, int64_t batch,
                          bool gated) { c.mask_h = {at<float>(data), time, gate, batch, gated}; })
        .def("zoneout_h", [](Call& c, uintptr_t data, int64_t time,
                             int64_t batch) { c.zoneout_h = {at<float>(data), time, 0, batch}; })
        .def("zoneout_c", [](Call& c, uintptr_t data, int64_t time,
                             int64_t batch) { c.zoneout_c = {at<float>(data), time, 0, batch}; })
        .def("valid",
             [](Call& c, uintptr_t data, int64_t time, int64_t batch) {
                 c.valid = at<uint8_t>(data), c.valid_time = time, c.valid_batch = batch;
             })
        .def("results",
             [](Call& c, uintptr_t output, uintptr_t h, uintptr_t c_, uintptr_t saved) {
                 c.output = at<float>(output), c.last_h = at<float>(h), c.last_c = at<float>(c_),
                 c.saved = at<float>(saved);
             })
        .def("d_output",
             [](Call& c, uintptr_t data, int64_t time, int64_t batch) {
                 c.d_output = at<float>(data), c.d_output_time = time, c.d_output_batch = batch;
             })
        .def("d_last", [](Call& c, uintptr_t h,
                          uintptr_t c_) { c.d_last_h = at<float>(h), c.d_last_c = at<float>(c_); })
        .def("d_inputs",
             [](Call& c, uintptr_t x, uintptr_t h, uintptr_t c_) {
                 c.d_x = at<float>(x), c.d_h0 = at<float>(h), c.d_c0 = at<float>(c_);
             })
        .def("d_weights",
             [](Call& c, uintptr_t w_ih, uintptr_t w_hh, uintptr_t b_ih, uintptr_t b_hh) {
                 c.d_w_ih = at<float>(w_ih), c.d_w_hh = at<float>(w_hh), c.d_b_ih = at<float>(b_ih),
                 c.d_b_hh = at<float>(b_hh);
             })
        .def("d_projection", [](Call& c, uintptr_t w_hr) { c.d_w_hr = at<float>(w_hr); })
        .def("d_norms",
             [](Call& c, uintptr_t ln_ih, uintptr_t ln_hh, uintptr_t ln_c, uintptr_t ln_c_bias) {
                 c.d_ln_ih = at<float>(ln_ih), c.d_ln_hh = at<float>(ln_hh),
                 c.d_ln_c = at<float>(ln_c), c.d_ln_c_bias = at<float>(ln_c_bias);
             });

    nb::class_<Stepper>(m, "Stepper")
        .def(nb::init<Cell, const Call&>())
        .def("step", &Stepper::step);

    m.def("forward", &forward);
    m.def("backward", &backward);
    m.def("sample_mask", &sample_mask);
    m.def("block", &block);
    m.def("kept_bytes", [] { return count_blocks().kept; });
    m.def("lent_bytes", [] { return count_blocks().lent; });
    m.def("keep_at_most", &keep_at_most);
    m.def("most_kept", &most_kept);
    m.def("use_openmp", &use_openmp);
    m.def("pool_name", &pool_name);
    m.def("instruction_sets", [] {
        std::vector<std::string> names;
        for (const Family& family : present()) names.emplace_back(family.floats->name);
        return names;
    });
    m.def("has_bfloat16", [] { return chosen.bfloat16 != nullptr; });
    m.def("instruction_set", [] { return std::string(chosen.floats->name); });
    m.def("use_instruction_set", [](const std::string& name) {
        for (const Family& family : present())
            if (name == family.floats->name) {
                chosen = family;
                return;
            }
        throw std::invalid_argument("this processor has no " + name);
    });
}
