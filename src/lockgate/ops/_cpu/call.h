// What a kernel is given: plain pointers, sizes and strides (counted in floats), no torch.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lockgate {

// One mask, (time | 1, gates | 1, batch | 1, features); a stride is 0 where the size is 1.
struct Mask {
    const float* data = nullptr;  // null: nothing is dropped
    int64_t time = 0, gate = 0, batch = 0;
    bool gated = false;  // one mask for each gate, and not one for all
};

enum class Nonlinearity { tanh, relu };
// What products multiply (`words.h`); what is given and what comes out is float32 in any case.
enum class Words { floats, bfloat16, int8 };

// One layer in one direction. Without a comment an array is contiguous and row-major.
struct Call {
    int64_t T = 0, B = 0, I = 0, H = 0;
    int64_t P = 0;             // features of h: H, or those that w_hr makes of them
    const float* x = nullptr;  // (T, B, I), features side by side
    int64_t x_time = 0, x_batch = 0;
    const float *h0 = nullptr, *c0 = nullptr;      // (B, P), (B, H)
    const float *w_ih = nullptr, *w_hh = nullptr;  // (G * H, I), (G * H, P)
    const float *b_ih = nullptr, *b_hh = nullptr;  // (G * H), or null
    const float* w_hr = nullptr;                   // (P, H), or null: h is not projected
    // Layer norm: gains of the products with x and h (G * H) and of c (H), or null.
    const float *ln_ih = nullptr, *ln_hh = nullptr, *ln_c = nullptr, *ln_c_bias = nullptr;
    Mask mask_x, mask_h;
    Mask zoneout_h, zoneout_c;       // how much of the old state is kept, of one gate
    const uint8_t* valid = nullptr;  // (T, B), or null: all are valid
    int64_t valid_time = 0, valid_batch = 0;
    bool reverse = false;
    bool reset_after =
        true;  // a GRU's reset gate acts on the recurrent product, not on h before it
    Nonlinearity nonlinearity = Nonlinearity::tanh;
    Words words = Words::floats;  // int8: forward alone, one step, from packed weights
    int64_t every =
        0;  // 0: the backward finds all it needs in `saved`; k: it reruns stretches of k
    int threads = 1;

    float* output = nullptr;                     // (T, B, P)
    float *last_h = nullptr, *last_c = nullptr;  // (B, P), (B, H); forward writes them
    float* saved = nullptr;                      // null: no backward will come

    const float* d_output = nullptr;  // (T, B, P), features side by side, or null: zeros
    int64_t d_output_time = 0, d_output_batch = 0;
    const float *d_last_h = nullptr, *d_last_c = nullptr;  // (B, P), (B, H), or null: zeros
    float* d_x = nullptr;  // (T, B, I); a null gradient is not wanted
    float *d_h0 = nullptr, *d_c0 = nullptr;
    float *d_w_ih = nullptr, *d_w_hh = nullptr, *d_b_ih = nullptr, *d_b_hh = nullptr;
    float* d_w_hr = nullptr;
    float *d_ln_ih = nullptr, *d_ln_hh = nullptr, *d_ln_c = nullptr, *d_ln_c_bias = nullptr;
};

// One cell on one instruction set, with one kind of words; those of int8 have no backward. Sizes
// are in floats; workspaces are aligned to 64 bytes.
struct Kernel {
    int64_t (*packed_size)(const Call&);
    void (*pack)(const Call&, float* packed);
    int64_t (*forward_size)(const Call&, bool packed);
    void (*forward)(const Call&, const float* packed, float* workspace);
    int64_t (*backward_size)(const Call&);
    void (*backward)(const Call&, float* workspace);
};

struct InstructionSet {
    const char* name;
    Kernel (*rnn)();
    Kernel (*lstm)();
    Kernel (*gru)();
    void (*sample_mask)(float* mask, int64_t size, uint64_t key, uint32_t dropped, float scale);
};

}  // namespace lockgate
