/*
 * season.h: when in the year customers buy, as a value: how fast the clock of buying runs in each month or week.
 *
 * The models of customers who leave at purchases stay what they are when time is counted by this clock
 * instead of days: "operational time". s averages 1 over a year of 365.2425 days, so that its days are days.
 */
#ifndef CRM_SEASON_H
#define CRM_SEASON_H

#include "crm.h"

#include "base/scan.h"
#include "lib/stringinfo.h"
#include "models/season.h"

#define SEASON_VERSION 1

typedef enum SeasonPeriod
{
	SEASON_MONTH = 1, /* 12 bins */
	SEASON_WEEK =
		2 /* 52 bins of seven days from 1 January on, the last of eight; 29 February is a second 28th */
} SeasonPeriod;

typedef struct SeasonBin
{
	double s;
	double error;	  /* standard error of ln s */
	int64  purchases; /* purchase days of the bin that it stands on */
} SeasonBin;

typedef struct Season
{
	int32  vl_len_;	 /* varlena header, do not touch */
	uint16 version;	 /* SEASON_VERSION */
	uint8  period;	 /* SeasonPeriod */
	uint8  flags;	 /* reserved, zero */
	int64 customers; /* with purchases between their first and last; 0 in a season that was given */
	DateADT	  first_on; /* first of their purchases, last of them; 0 if given */
	DateADT	  last_on;
	SeasonBin bins[FLEXIBLE_ARRAY_MEMBER];
} Season;

#define SEASON_SIZE(nbins) (offsetof(Season, bins) + (nbins) * sizeof(SeasonBin))
#define SEASON_LARGEST 1e9 /* of an s, and of its inverse */
#define SEASON_MEAN_ERROR 1e-9

/* The type's storage is plain: values are never packed or toasted in tables. */
#define PG_GETARG_SEASON(n) ((Season *) PG_GETARG_VARLENA_P(n))

extern const SeasonYear *season_year(int period);
extern int				 season_period_of_text(const text *period);
extern Season			*season_create(int period);
extern Season			*CheckSeason(Season *season);
extern SeasonDay		 season_day(int period, DateADT day);
extern double			 season_clock(const Season *season, DateADT day);
extern DateADT			 season_day_after(const Season *season, DateADT from, double days);
extern char				*season_reason(const Season *season);
extern bool				 season_is_doubtful(const Season *season);
extern bool				 season_is_flat(const Season *season);

extern void	   season_append_text(StringInfo out, const Season *season);
extern Season *season_scan(Scanner *s);
extern void	   season_append_bytes(StringInfo out, const Season *season);
extern Season *season_from_bytes(StringInfo message);

#endif /* CRM_SEASON_H */
