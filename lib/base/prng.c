#include "base/prng.h"

uint64_t prng_next(struct prng *p)
{
	uint64_t z = p->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t prng_below(struct prng *p, uint64_t limit)
{
	return prng_next(p) % limit;
}

bool prng_chance(struct prng *p, uint32_t ppm)
{
	return ppm > 0 && prng_below(p, PPM) < ppm;
}
