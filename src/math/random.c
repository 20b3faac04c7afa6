/*
 * random.c: xoshiro256++ and the distributions that the purchase models draw from.
 */
#include "math/random.h"

#include <math.h>

static inline uint64_t
rotate_left(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
random_seed(Rng *rng, uint64_t seed, uint64_t stream)
{
	uint64_t state = seed;
	uint64_t mixed = splitmix64(&state);

	state = mixed ^ stream;
	for (int i = 0; i < 4; i++)
		rng->s[i] = splitmix64(&state);
}

static uint64_t
random_bits(Rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t  result = rotate_left(s[0] + s[3], 23) + s[0];
	uint64_t  t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

double
random_uniform(Rng *rng)
{
	return ((random_bits(rng) >> 12) + 0.5) * 0x1p-52;
}

double
random_exponential(Rng *rng)
{
	return -log(random_uniform(rng));
}

/* Marsaglia's polar method; the second normal is dropped, to keep no state. */
static double
random_normal(Rng *rng)
{
	for (;;)
	{
		double u = 2 * random_uniform(rng) - 1;
		double v = 2 * random_uniform(rng) - 1;
		double s = u * u + v * v;

		if (s < 1)
			return u * sqrt(-2 * log(s) / s);
	}
}

/* Marsaglia & Tsang (2000); below shape 1 through shape + 1, in logs so that tiny shapes keep a value. */
double
random_log_gamma(Rng *rng, double shape)
{
	double boost = shape < 1 ? log(random_uniform(rng)) / shape : 0;
	double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
	double c = 1 / sqrt(9 * d);

	for (;;)
	{
		double z = random_normal(rng);
		double v = 1 + c * z;

		if (v <= 0)
			continue;
		v = v * v * v;
		if (log(random_uniform(rng)) < 0.5 * z * z + d - d * v + d * log(v))
			return log(d * v) + boost;
	}
}

double
random_gamma(Rng *rng, double shape)
{
	return exp(random_log_gamma(rng, shape));
}

double
random_beta(Rng *rng, double a, double b)
{
	double log_a = random_log_gamma(rng, a);
	double log_b = random_log_gamma(rng, b);

	return 1 / (1 + exp(log_b - log_a));
}
