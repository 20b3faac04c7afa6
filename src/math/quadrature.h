/*
 * quadrature.h: the two integrals that the purchase models share.
 *
 * Plain C without PostgreSQL.
 */
#ifndef CRM_QUADRATURE_H
#define CRM_QUADRATURE_H

/* Terms below e^-45 of the largest are not seen in a double. */
#define QUADRATURE_FALL 45.0

/*
 * The integral from 0 to t of (A/(A+y))^p (B/(B+y))^q dy, and the means under
 * that integrand which a gradient needs. p, q >= 0; A, B > 0; t may be infinite
 * if p + q > 1.
 */
typedef struct Decay
{
	double p;
	double A;
	double q;
	double B;
} Decay;

typedef struct DecayMeans
{
	double log_A;	  /* mean of ln((A + y)/A) */
	double log_B;	  /* mean of ln((B + y)/B) */
	double inverse_A; /* mean of 1/(A + y) */
	double inverse_B; /* mean of 1/(B + y) */
	double elapsed;	  /* mean of y; decay_exponential_means alone fills it */
} DecayMeans;

/* The integral, to 1e-11 with up to 32 nodes and to 1e-6 with up to 16. */
extern double decay_integral(const Decay *f, double t, int nodes);

/* The same, for t given by ln((A + t)/A) and ln((B + t)/B); fills the means too. */
extern double decay_integral_means(const Decay *f, double log_A, double log_B, int nodes,
								   DecayMeans *means);

/*
 * The integral from 0 to t < infinity of (A/(A+y))^p e^(-rate y) dy, and the means of ln((A + y)/A), 1/(A + y) and y
 * under that integrand.
 */
extern double decay_exponential_means(double p, double A, double rate, double t, int nodes,
									  DecayMeans *means);

/*
 * Nodes for means over p ~ Beta(a, b) of functions that are smooth in p and
 * vary over the decades of p that lie above 1/scale: the trapezoidal rule in
 * ln(p/(1-p)), whose error falls exponentially, with the two geometric tails
 * summed into the outermost weights. Weights add up to 1.
 *
 * a = 0, or a or b beyond BETA_POINT, stand for one p; a + b below BETA_SPLIT for p = 0 or 1.
 */
#define BETA_POINT 1e13
#define BETA_SPLIT 1e-200
#define BETA_GRID_MAX 1024

typedef struct BetaGrid
{
	int	   n;
	double p[BETA_GRID_MAX];
	double log_q[BETA_GRID_MAX]; /* ln(1 - p), exact for small p */
	double weight[BETA_GRID_MAX];
} BetaGrid;

/* The mean of 1/(c + d p), c > 0, d >= 0. */
extern double beta_grid_mean_inverse(const BetaGrid *grid, double c, double d);

extern void beta_grid(BetaGrid *grid, double a, double b, double scale, double widest_step);

#endif /* CRM_QUADRATURE_H */
