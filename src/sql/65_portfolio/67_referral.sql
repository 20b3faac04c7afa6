-- referral: who brought whom, what that was worth, and how far it reached

CREATE FUNCTION crm.present_value(amount numeric, paid_on date, as_of date, annual_discount_rate float8) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_present_value_as_of';
COMMENT ON FUNCTION crm.present_value(numeric, date, date, float8) IS
  'the amount as of a day: less for what is paid later, more for what was paid before, at (1 + rate) a year of 365.25 days';
CREATE FUNCTION crm.present_value(history crm.purchase_history, as_of date, annual_discount_rate float8) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_present_value_history_as_of';
COMMENT ON FUNCTION crm.present_value(crm.purchase_history, date, float8) IS
  'all amounts of the history as of a day, each from its own day, at (1 + rate) a year of 365.25 days';
CREATE FUNCTION crm.referral_worth(margin numeric, saved_acquisition_cost numeric, would_have_joined bool) RETURNS numeric
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_referral_worth';
COMMENT ON FUNCTION crm.referral_worth(numeric, numeric, bool) IS
  'worth of one referred customer (Kumar, Petersen and Leone 2010): margin and saved acquisition cost, or, of one who would have joined anyway, the saved cost alone; NULL if what it needs is unknown';

@type referral_network|1000|2|extended|{referrer > referred worth, ...}
COMMENT ON TYPE crm.referral_network IS
  'referrals, each customer referred at most once: {anna > ben 12.50, anna > cleo unknown}';

-- the aggregate

CREATE FUNCTION crm_internal.referral_network_plus(crm.referral_network, crm.referral_network) RETURNS crm.referral_network
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_referral_network_plus';
COMMENT ON FUNCTION crm_internal.referral_network_plus(crm.referral_network, crm.referral_network) IS
  'implementation of + operator';
CREATE FUNCTION crm_internal.referral_network_final(crm.referral_network) RETURNS crm.referral_network
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_referral_network_final';
COMMENT ON FUNCTION crm_internal.referral_network_final(crm.referral_network) IS
  'final function of the aggregates referral_network and merge';
CREATE FUNCTION crm_internal.referral_network_transition(crm.referral_network, text, text, numeric) RETURNS crm.referral_network
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_referral_network_transition';
COMMENT ON FUNCTION crm_internal.referral_network_transition(crm.referral_network, text, text, numeric) IS
  'transition function of the aggregate referral_network';
CREATE AGGREGATE crm.referral_network(referrer text, referred text, worth numeric) (
  SFUNC = crm_internal.referral_network_transition,
  STYPE = crm.referral_network,
  SSPACE = 4096,
  FINALFUNC = crm_internal.referral_network_final,
  COMBINEFUNC = crm_internal.referral_network_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.referral_network(text, text, numeric) IS
  'the referrals (referrer, customer referred, worth), a NULL worth being unknown; an error if a customer is referred by himself or twice';
CREATE FUNCTION crm_internal.referral_network_merge(crm.referral_network, crm.referral_network) RETURNS crm.referral_network
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_referral_network_append_all';
COMMENT ON FUNCTION crm_internal.referral_network_merge(crm.referral_network, crm.referral_network) IS
  'transition function of the aggregate merge';
CREATE AGGREGATE crm.merge(network crm.referral_network) (
  SFUNC = crm_internal.referral_network_merge,
  STYPE = crm.referral_network,
  SSPACE = 4096,
  FINALFUNC = crm_internal.referral_network_final,
  COMBINEFUNC = crm_internal.referral_network_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.referral_network) IS
  'the referrals of all networks';

CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.referral_network_plus,
  LEFTARG = crm.referral_network,
  RIGHTARG = crm.referral_network,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.referral_network, crm.referral_network) IS 'the referrals of both networks';

@comparison referral_network|2|order by the first referral that differs|equal values

-- questions

CREATE FUNCTION crm.referral_value(network crm.referral_network, referrer text) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_referral_value';
COMMENT ON FUNCTION crm.referral_value(crm.referral_network, text) IS
  'customer referral value: worth of those whom the customer referred himself, 0 if nobody; NULL if one is unknown';
CREATE FUNCTION crm.referral_reach(network crm.referral_network, referrer text, depth int) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_referral_reach';
COMMENT ON FUNCTION crm.referral_reach(crm.referral_network, text, int) IS
  'customers whom the referrer brought, directly (depth 1) or through others (2 and more), each once';
CREATE FUNCTION crm.referrers(network crm.referral_network, depth int,
    OUT referrer text, OUT referrals bigint, OUT referral_value numeric, OUT reach bigint) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100 AS 'MODULE_PATHNAME', 'crm_referrers';
COMMENT ON FUNCTION crm.referrers(crm.referral_network, int) IS
  'all referrers: number and worth of their own referrals, and their reach to the depth';
CREATE FUNCTION crm.referrals(network crm.referral_network,
    OUT referrer text, OUT referred text, OUT worth numeric) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100 AS 'MODULE_PATHNAME', 'crm_referrals';
COMMENT ON FUNCTION crm.referrals(crm.referral_network) IS
  'the referrals as rows; a worth that is unknown is NULL';
