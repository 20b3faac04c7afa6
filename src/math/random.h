/*
 * random.h: reproducible random numbers for simulation.
 *
 * xoshiro256++ (Blackman & Vigna 2021), seeded through splitmix64 from a seed
 * and a stream number, so that each simulated customer has a stream of her own
 * and does not depend on how many others there are. Plain C without PostgreSQL.
 */
#ifndef CRM_RANDOM_H
#define CRM_RANDOM_H

#include <stdint.h>

typedef struct Rng
{
	uint64_t s[4];
} Rng;

extern void	  random_seed(Rng *rng, uint64_t seed, uint64_t stream);
extern double random_uniform(Rng *rng); /* in (0, 1), never 0 or 1 */
extern double random_exponential(Rng *rng);
extern double random_log_gamma(Rng *rng, double shape); /* ln of a Gamma(shape, 1) */
extern double random_gamma(Rng *rng, double shape);
extern double random_beta(Rng *rng, double a, double b);

#endif /* CRM_RANDOM_H */
