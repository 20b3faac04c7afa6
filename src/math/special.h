/*
 * special.h: the special functions that the purchase models stand on.
 *
 * Plain C without PostgreSQL; test/unit checks each against 40-digit tables.
 */
#ifndef CRM_SPECIAL_H
#define CRM_SPECIAL_H

/* ln Gamma(x), x > 0. */
extern double math_lgamma(double x);

/* psi(x) = d/dx ln Gamma(x), x > 0. */
extern double math_digamma(double x);

/* ln Gamma(a + x) - ln Gamma(a), a > 0, x >= 0; no cancellation however large a is. */
extern double math_log_rising(double a, double x);

/* psi(a + x) - psi(a), a > 0, x >= 0; no cancellation however large a is. */
extern double math_digamma_rise(double a, double x);

/* e^z E_s(z), the scaled generalised exponential integral, s > 0, z > 0. */
extern double math_expint_scaled(double s, double z);

/* ln B(a, b), a, b > 0; no cancellation however large they are. */
extern double math_log_beta(double a, double b);

/* I_x(a, b), the regularised incomplete beta function, a, b > 0, given x and 1 - x. */
extern double math_beta_inc(double a, double b, double x, double one_minus_x);

/* The same where front = x^a (1 - x)^b / B(a, b), which is the density by ln(x/(1 - x)), is known. */
extern double math_beta_inc_front(double a, double b, double x, double one_minus_x, double front);

/* P(a, x), the regularised lower incomplete gamma function, a > 0, x >= 0. */
extern double math_gamma_inc(double a, double x);

/* The same where front = x^a e^-x / Gamma(a), which is the density by ln x, is known. */
extern double math_gamma_inc_front(double a, double x, double front);

/* The quantile of the standard normal distribution, 0 < p < 1. */
extern double math_normal_quantile(double p);

/* ln(e^a + e^b). */
extern double math_log_add(double a, double b);

#endif /* CRM_SPECIAL_H */
