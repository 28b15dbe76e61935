// The kernels of one instruction set, as a table; compiled once for each.

#include "call.h"
#include "sample.h"
#include "simd.h"

namespace lockgate::LOCKGATE_ISA {

Kernel rnn();
Kernel lstm();
Kernel gru();

#define LOCKGATE_TEXT(name) #name
#define LOCKGATE_NAME(name) LOCKGATE_TEXT(name)

extern const InstructionSet instruction_set;
const InstructionSet instruction_set{LOCKGATE_NAME(LOCKGATE_ISA), rnn, lstm, gru, sample_mask};

}  // namespace lockgate::LOCKGATE_ISA
