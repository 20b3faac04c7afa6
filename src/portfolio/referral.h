/*
 * referral.h: who brought whom, and what that was worth.
 *
 * A referral_network is a list of referrals, each packed behind the other on
 * an 8-byte boundary. Nobody refers himself, and every customer is referred at
 * most once, by the one to whom the referral is credited. A stored value is
 * sorted by referrer, then by the customer referred, and ends with the last
 * referral; the state of an aggregate holds them as they came and has room for
 * more behind them, which VARSIZE counts.
 */
#ifndef CRM_REFERRAL_H
#define CRM_REFERRAL_H

#include "crm.h"

#include "base/amount.h"

#define REFERRAL_NETWORK_VERSION 1

/* A worth that is not known, and so makes the value of its referrer unknown. */
#define WORTH_UNKNOWN PG_INT64_MIN

/* Keys are text of up to this many bytes. */
#define REFERRAL_KEY_MAX 1024

typedef struct Referral
{
	int64  worth; /* in 1/10000, or WORTH_UNKNOWN */
	uint16 referrer_len;
	uint16 referred_len;
	char   keys[FLEXIBLE_ARRAY_MEMBER]; /* the referrer's, then the other's; no final zeros */
} Referral;

typedef struct ReferralNetwork
{
	int32  vl_len_; /* varlena header, do not touch */
	uint16 version; /* REFERRAL_NETWORK_VERSION */
	uint16 flags;	/* reserved, zero */
	int32  nreferrals;
	int32  used; /* bytes of data that hold referrals */
	char   data[FLEXIBLE_ARRAY_MEMBER];
} ReferralNetwork;

#define PG_GETARG_REFERRAL_NETWORK(n) ((ReferralNetwork *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* The referrals of a network in order, with what is asked of them. */
typedef struct ReferralIndex
{
	int				 n;
	const Referral **referrals; /* by referrer, then by the customer referred */
	int				*children;	/* of each, the first referral by the customer referred, or -1 */
} ReferralIndex;

typedef struct Key
{
	const char *bytes;
	int			len;
} Key;

extern const Referral **referral_network_sorted(const ReferralNetwork *network);
extern ReferralIndex	referral_index(const ReferralNetwork *network);
extern int				referral_index_first(const ReferralIndex *index, Key referrer);
extern int64		   *referral_reaches(const ReferralIndex *index, int depth);

static inline Key
referrer_of(const Referral *r)
{
	Key key = {r->keys, r->referrer_len};

	return key;
}

static inline Key
referred_of(const Referral *r)
{
	Key key = {r->keys + r->referrer_len, r->referred_len};

	return key;
}

/* Order of keys, byte by byte, whatever the collation. */
static inline int
key_order(Key a, Key b)
{
	int order = memcmp(a.bytes, b.bytes, Min(a.len, b.len));

	return order != 0 ? order : CRM_COMPARE(a.len, b.len);
}

#endif /* CRM_REFERRAL_H */
