// Addresses of a memory instruction: checked, and turned into the host's own.
#pragma once
#include "text.h"
#include "warp.h"

enum class Access : uint8_t { read, write, atomic };

/**
 * Leaves the host's addresses of the lanes' operands in w.addresses; lanes that are off get that of one that is on. The
 * instruction holds the register with the addresses (a, of `width` bits), the offset (immediate) and the space (kind).
 * False after a fault: an address outside of what is allocated, or not a multiple of the bytes that are touched there.
 */
bool resolve(Warp& w, const Instruction& in, uint32_t mask, uint32_t bytes, Access access);

/** The same for a given operand. */
bool resolve(Warp& w, const Instruction& in, uint32_t mask, uint32_t bytes, Access access, Slot base, uint8_t width,
             int64_t offset, ptx::Space space);

/** Notes who touches shared memory, where races are looked for; false after a race. */
bool touchShared(Warp& w, const Instruction& in, uint64_t offset, uint32_t bytes, Access access);
