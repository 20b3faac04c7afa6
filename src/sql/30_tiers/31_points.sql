-- points_rule: how points are earned and expire; balances, statements, liability

@type points_rule|50|10|extended|rate 1 per_order 5 bonus 100 every 10 expires 12 months rates {1, 1.5} program {Bronze: spend 0, Silver: spend 500} rolling 12 months
COMMENT ON TYPE crm.points_rule IS
  'how points are earned and expire, by tier where a program is given';

-- the constructor

CREATE FUNCTION crm.points_rule(rate numeric DEFAULT 1, purchase_points bigint DEFAULT 0, bonus_points bigint DEFAULT 0,
    bonus_every bigint DEFAULT 0, expiry interval DEFAULT NULL, program crm.tier_program DEFAULT NULL,
    multipliers numeric[] DEFAULT NULL, rates numeric[] DEFAULT NULL, per numeric DEFAULT 1, rounding text DEFAULT 'down',
    pending interval DEFAULT NULL, expires_at text DEFAULT NULL, last_day_inclusive boolean DEFAULT false, inactivity interval DEFAULT NULL,
    reinstatement interval DEFAULT NULL, never_negative boolean DEFAULT false, tier_expiry interval[] DEFAULT NULL,
    reaching text DEFAULT 'old') RETURNS crm.points_rule
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_rule';
COMMENT ON FUNCTION crm.points_rule(numeric, bigint, bigint, bigint, interval, crm.tier_program, numeric[], numeric[], numeric, text, interval, text, boolean, interval, interval, boolean, interval[], text) IS
  'points for so much money (per, 1 by default), per purchase and for every n-th purchase, by tier where a program is given, how they are rounded (down, up or half, per purchase, in parts), how long they wait (pending), and how long they are valid: for a length (expiry), to the end of a month, quarter or year after it (expires_at), by tier, until nothing happened for too long (inactivity)';
CREATE FUNCTION crm.base_points(rule crm.points_rule, amount numeric) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_base_points';
COMMENT ON FUNCTION crm.base_points(crm.points_rule, numeric) IS
  'points that one purchase of an amount earns at the plain rate, rounded as the rule says: summed by day they are the base_points of a rule that rounds per purchase';

@comparison points_rule|2|order by bytes: the same on every machine of one kind|equal values

-- a customer's points

CREATE TYPE crm.points_gift AS (booked_on date, points bigint, expires_on date);
COMMENT ON TYPE crm.points_gift IS
  'points that a customer has from elsewhere, from another customer, as a gift, for a challenge: available from booked_on on, and no longer valid on expires_on, NULL for never';

CREATE FUNCTION crm.points_balance(rule crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, as_of date,
    base_points crm.purchase_history DEFAULT NULL, gifts crm.points_gift[] DEFAULT NULL) RETURNS bigint
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_balance';
COMMENT ON FUNCTION crm.points_balance(crm.points_rule, crm.purchase_history, crm.purchase_history, date, crm.purchase_history, crm.points_gift[]) IS
  'points at the end of a day; negative if more were taken back or redeemed than there were';
CREATE FUNCTION crm.points_expiring(rule crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, as_of date, until date,
    base_points crm.purchase_history DEFAULT NULL, gifts crm.points_gift[] DEFAULT NULL) RETURNS bigint
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_expiring';
COMMENT ON FUNCTION crm.points_expiring(crm.points_rule, crm.purchase_history, crm.purchase_history, date, date, crm.purchase_history, crm.points_gift[]) IS
  'points of the end of as_of that will have expired by the end of until if they are not spent';
CREATE FUNCTION crm.points_statement(rule crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, as_of date,
    base_points crm.purchase_history DEFAULT NULL, gifts crm.points_gift[] DEFAULT NULL,
    OUT booked_on date, OUT kind text, OUT points bigint, OUT balance bigint, OUT tier text, OUT expires_on date)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 ROWS 20 AS 'MODULE_PATHNAME', 'crm_points_statement';
COMMENT ON FUNCTION crm.points_statement(crm.points_rule, crm.purchase_history, crm.purchase_history, date, crm.purchase_history, crm.points_gift[]) IS
  'every movement of points until as_of, with the balance after it';
CREATE FUNCTION crm.points_awards(rule crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, as_of date,
    base_points crm.purchase_history DEFAULT NULL, gifts crm.points_gift[] DEFAULT NULL,
    OUT awarded_on date, OUT tier text, OUT points bigint, OUT available_on date, OUT expires_on date)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 ROWS 20 AS 'MODULE_PATHNAME', 'crm_points_awards';
COMMENT ON FUNCTION crm.points_awards(crm.points_rule, crm.purchase_history, crm.purchase_history, date, crm.purchase_history, crm.points_gift[]) IS
  'what is left of each award at the end of as_of: when it was or will be available, and the first day on which it is no longer valid if nothing happens';
CREATE FUNCTION crm.points_transfer(rule crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, booked_on date, points bigint,
    base_points crm.purchase_history DEFAULT NULL, gifts crm.points_gift[] DEFAULT NULL) RETURNS crm.points_gift[]
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_transfer';
COMMENT ON FUNCTION crm.points_transfer(crm.points_rule, crm.purchase_history, crm.purchase_history, date, bigint, crm.purchase_history, crm.points_gift[]) IS
  'what another customer gets when a customer gives away points, which are a redemption of this one: gifts that keep the expiry of the awards that they come from; an error if there are fewer';
CREATE FUNCTION crm_internal.points_rule_to_jsonb(crm.points_rule) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_rule_to_jsonb';
COMMENT ON FUNCTION crm_internal.points_rule_to_jsonb(crm.points_rule) IS 'the rule as a jsonb object';
CREATE CAST (crm.points_rule AS jsonb) WITH FUNCTION crm_internal.points_rule_to_jsonb(crm.points_rule);
COMMENT ON CAST (crm.points_rule AS jsonb) IS 'an object with every field, null where there is none';

-- what all points are worth

CREATE FUNCTION crm_internal.points_liability_transition(numeric, bigint, numeric, numeric) RETURNS numeric
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_points_liability_transition';
COMMENT ON FUNCTION crm_internal.points_liability_transition(numeric, bigint, numeric, numeric) IS
  'transition function of the aggregate points_liability';
CREATE AGGREGATE crm.points_liability(balance bigint, point_value numeric, breakage_rate numeric) (
  SFUNC = crm_internal.points_liability_transition,
  STYPE = numeric,
  COMBINEFUNC = pg_catalog.numeric_add,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.points_liability(bigint, numeric, numeric) IS
  'what the balances are worth in money, less the share that nobody will redeem; a negative balance counts as none';
