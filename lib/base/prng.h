/* Numbers that look random and are the same for the same seed: simulations and property tests.
 * Nothing here is a secret's: those come from crypto/entropy.h.
 *
 * The generator is splitmix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
 * Generators", OOPSLA 2014): one 64-bit word of state, every seed is a good one. */
#ifndef TEECTL_BASE_PRNG_H
#define TEECTL_BASE_PRNG_H

#include "base/base.h"

struct prng {
	uint64_t state; /* the seed, to begin with */
};

uint64_t prng_next(struct prng *p);
/* 0..limit-1; limit >= 1. Its bias is below limit / 2^64. */
uint64_t prng_below(struct prng *p, uint64_t limit);
/* Parts per million: 0 is never, a million always. */
#define PPM 1000000u
bool prng_chance(struct prng *p, uint32_t ppm);

#endif
