-- mix: what one customer bought of each category, and what that says

@type mix|20|20|extended|{category (day orders amount, ...), ...}
COMMENT ON TYPE crm.mix IS
  'what one customer bought of each category, day by day: {bread (2024-01-05 1 2.50, 2024-01-12 1 2.50), "olive oil" (2024-01-05 1 9.00)}';

@type mix_state|20|20|extended|the form of a mix
COMMENT ON TYPE crm.mix_state IS
  'the state of the aggregates mix, merge over mixes, fit_mix_base and affinity';

CREATE FUNCTION crm_internal.mix_plus(crm.mix, crm.mix) RETURNS crm.mix
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_mix_plus';
COMMENT ON FUNCTION crm_internal.mix_plus(crm.mix, crm.mix) IS
  'implementation of + operator';
CREATE FUNCTION crm_internal.mix_minus(crm.mix, crm.mix) RETURNS crm.mix
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_mix_minus';
COMMENT ON FUNCTION crm_internal.mix_minus(crm.mix, crm.mix) IS
  'implementation of - operator';
CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.mix_plus,
  LEFTARG = crm.mix,
  RIGHTARG = crm.mix,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.mix, crm.mix) IS 'what either bought: purchases and amounts of a day add';
CREATE OPERATOR crm.- (
  FUNCTION = crm_internal.mix_minus,
  LEFTARG = crm.mix,
  RIGHTARG = crm.mix
);
COMMENT ON OPERATOR crm.- (crm.mix, crm.mix) IS 'the first without the purchases of the second, which it must hold';
CREATE FUNCTION crm_internal.mix_combine(crm.mix_state, crm.mix_state) RETURNS crm.mix_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_mix_combine';
COMMENT ON FUNCTION crm_internal.mix_combine(crm.mix_state, crm.mix_state) IS
  'combine function of the aggregates whose state is a mix_state';
CREATE FUNCTION crm_internal.mix_final(crm.mix_state) RETURNS crm.mix
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_mix_final';
COMMENT ON FUNCTION crm_internal.mix_final(crm.mix_state) IS
  'final function of the aggregate mix';
CREATE FUNCTION crm_internal.mix_transition(crm.mix_state, text, date, numeric) RETURNS crm.mix_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_mix_numeric';
COMMENT ON FUNCTION crm_internal.mix_transition(crm.mix_state, text, date, numeric) IS
  'transition function of the aggregate mix';
CREATE AGGREGATE crm.mix(category text, purchased_on date, amount numeric) (
  SFUNC = crm_internal.mix_transition,
  STYPE = crm.mix_state,
  SSPACE = 256,
  FINALFUNC = crm_internal.mix_final,
  COMBINEFUNC = crm_internal.mix_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.mix(text, date, numeric) IS
  'what one customer bought of each category, a row a line of a purchase; rows with NULL are left out; a negative amount is a refund, no purchase';
CREATE FUNCTION crm_internal.mix_transition(crm.mix_state, text, date, numeric, int) RETURNS crm.mix_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_mix_numeric';
COMMENT ON FUNCTION crm_internal.mix_transition(crm.mix_state, text, date, numeric, int) IS
  'transition function of the aggregate mix';
CREATE AGGREGATE crm.mix(category text, purchased_on date, amount numeric, purchase_count int) (
  SFUNC = crm_internal.mix_transition,
  STYPE = crm.mix_state,
  SSPACE = 256,
  FINALFUNC = crm_internal.mix_final,
  COMBINEFUNC = crm_internal.mix_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.mix(text, date, numeric, int) IS
  'the same where a row stands for several purchases';
CREATE FUNCTION crm_internal.mix_transition(crm.mix_state, text, date, float8) RETURNS crm.mix_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_mix_float8';
COMMENT ON FUNCTION crm_internal.mix_transition(crm.mix_state, text, date, float8) IS
  'transition function of the aggregate mix';
CREATE AGGREGATE crm.mix(category text, purchased_on date, amount float8) (
  SFUNC = crm_internal.mix_transition,
  STYPE = crm.mix_state,
  SSPACE = 256,
  FINALFUNC = crm_internal.mix_final,
  COMBINEFUNC = crm_internal.mix_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.mix(text, date, float8) IS
  'what one customer bought of each category, a row a line of a purchase; rows with NULL are left out; a negative amount is a refund, no purchase';
CREATE FUNCTION crm_internal.mix_transition(crm.mix_state, text, date, float8, int) RETURNS crm.mix_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_mix_float8';
COMMENT ON FUNCTION crm_internal.mix_transition(crm.mix_state, text, date, float8, int) IS
  'transition function of the aggregate mix';
CREATE AGGREGATE crm.mix(category text, purchased_on date, amount float8, purchase_count int) (
  SFUNC = crm_internal.mix_transition,
  STYPE = crm.mix_state,
  SSPACE = 256,
  FINALFUNC = crm_internal.mix_final,
  COMBINEFUNC = crm_internal.mix_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.mix(text, date, float8, int) IS
  'the same where a row stands for several purchases';
CREATE FUNCTION crm_internal.merge_transition(crm.mix_state, crm.mix) RETURNS crm.mix_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_mix_merge_transition';
COMMENT ON FUNCTION crm_internal.merge_transition(crm.mix_state, crm.mix) IS
  'transition function of the aggregate merge';
CREATE AGGREGATE crm.merge(mix crm.mix) (
  SFUNC = crm_internal.merge_transition,
  STYPE = crm.mix_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.mix_final,
  COMBINEFUNC = crm_internal.mix_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.mix) IS
  'the purchases of all mixes';

CREATE FUNCTION crm_internal.mix_category(name text) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_mix_category';
COMMENT ON FUNCTION crm_internal.mix_category(text) IS
  'the category that a tracking counts a row to: the name, cut to the length that one may have; NULL if it is empty';

@comparison mix|2|order by the bytes, of no meaning but equality|equal content

-- what a mix answers

CREATE FUNCTION crm.within(mix crm.mix, during daterange) RETURNS crm.mix
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_mix_within';
COMMENT ON FUNCTION crm.within(crm.mix, daterange) IS
  'what was bought on the days of the range';
CREATE FUNCTION crm.categories(mix crm.mix, as_of date,
    OUT category text, OUT purchase_day_count bigint, OUT purchase_count bigint, OUT amount numeric, OUT share float8, OUT first_on date, OUT last_on date) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 ROWS 10 AS 'MODULE_PATHNAME', 'crm_mix_categories';
COMMENT ON FUNCTION crm.categories(crm.mix, date) IS
  'what was bought of each category until as_of: days on which it was bought, purchases, net amount, its share of the days of all categories, the first and the last day';
CREATE FUNCTION crm.share(mix crm.mix, as_of date, category text) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_mix_share';
COMMENT ON FUNCTION crm.share(crm.mix, date, text) IS
  'of the days of all categories the share of one, until as_of; 0 if it was never bought, NULL before the first purchase';
CREATE FUNCTION crm.category_history(mix crm.mix, category text) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_mix_history';
COMMENT ON FUNCTION crm.category_history(crm.mix, text) IS
  'the purchases of a category as a history, empty if there are none: what tiers, points and challenges of a category take';
CREATE FUNCTION crm.breadth(mix crm.mix, as_of date) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_mix_breadth';
COMMENT ON FUNCTION crm.breadth(crm.mix, date) IS
  'how many categories were bought until as_of';
CREATE FUNCTION crm.drift(before crm.mix, after crm.mix) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_drift';
COMMENT ON FUNCTION crm.drift(crm.mix, crm.mix) IS
  'how far the shares of the categories moved between two mixes, such as crm.within of two ranges: half the sum of the changes, 0 for none and 1 for nothing in common; NULL if one of them has no purchase';
CREATE TYPE crm.gain_loss_result AS (
  new_amount numeric,
  more_amount numeric,
  from_others_amount numeric,
  lost_amount numeric,
  less_amount numeric,
  to_others_amount numeric,
  amount_change numeric
);
COMMENT ON TYPE crm.gain_loss_result IS 'how the amount of a category changed, in parts that add up';
COMMENT ON COLUMN crm.gain_loss_result.new_amount IS 'of a customer who bought nothing before';
COMMENT ON COLUMN crm.gain_loss_result.more_amount IS 'more than before, not from other categories';
COMMENT ON COLUMN crm.gain_loss_result.from_others_amount IS 'what other categories lost to it';
COMMENT ON COLUMN crm.gain_loss_result.lost_amount IS 'of a customer who buys nothing any more';
COMMENT ON COLUMN crm.gain_loss_result.less_amount IS 'less than before, not to other categories';
COMMENT ON COLUMN crm.gain_loss_result.to_others_amount IS 'what other categories gained from it';
COMMENT ON COLUMN crm.gain_loss_result.amount_change IS 'the sum of the parts';

CREATE FUNCTION crm.gain_loss(before crm.mix, after crm.mix, category text) RETURNS crm.gain_loss_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_gain_loss';
COMMENT ON FUNCTION crm.gain_loss(crm.mix, crm.mix, text) IS
  'how the amount of a category changed from one mix to another, in parts that add up: of a customer who bought nothing before, more, and what other categories lost to it; of one who buys nothing any more, less, and what other categories gained from it. The sums over customers are those of the shop; a NULL mix is an empty one';

-- what customers are expected to buy

@type mix_base|20|20|extended|verdict {category concentration, ...} customers n
COMMENT ON TYPE crm.mix_base IS
  'how the customers of a shop divide what they buy among its categories, a Dirichlet distribution: converged {bread 0.81, milk 1.2} customers 1234';

@comparison mix_base|2|order by the bytes, of no meaning but equality|equal content

CREATE FUNCTION crm_internal.fit_mix_base_transition(crm.mix_state, crm.mix, date) RETURNS crm.mix_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_fit_mix_base_transition';
COMMENT ON FUNCTION crm_internal.fit_mix_base_transition(crm.mix_state, crm.mix, date) IS
  'transition function of the aggregate fit_mix_base';
CREATE FUNCTION crm_internal.fit_mix_base_final(crm.mix_state) RETURNS crm.mix_base
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_fit_mix_base_final';
COMMENT ON FUNCTION crm_internal.fit_mix_base_final(crm.mix_state) IS
  'final function of the aggregate fit_mix_base';
CREATE AGGREGATE crm.fit_mix_base(mix crm.mix, as_of date) (
  SFUNC = crm_internal.fit_mix_base_transition,
  STYPE = crm.mix_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mix_base_final,
  COMBINEFUNC = crm_internal.mix_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mix_base(crm.mix, date) IS
  'the Dirichlet distribution of the shares of the categories among customers, by maximum likelihood from the days on which each bought each category until as_of; the same in every order of the rows; NULL if nobody bought anything';
CREATE FUNCTION crm.fit_verdict(base crm.mix_base) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_mix_base_fit_verdict';
COMMENT ON FUNCTION crm.fit_verdict(crm.mix_base) IS
  'how the fit ended, in words';
CREATE FUNCTION crm.preference(base crm.mix_base, mix crm.mix, as_of date, half_life interval DEFAULT NULL,
    OUT category text, OUT preference float8, OUT base_share float8, OUT lift float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 ROWS 10 AS 'MODULE_PATHNAME', 'crm_preference';
COMMENT ON FUNCTION crm.preference(crm.mix_base, crm.mix, date, interval) IS
  'the share of each category in what the customer buys next: the days on which it was bought until as_of, each worth 2^(-age / half_life), shrunk to the shop; the share of it in the shop, and preference over that: what is peculiar to this customer (NULL if the base does not know the category)';
CREATE TYPE crm.next_category_result AS (
  category text,
  preference float8,
  base_share float8,
  lift float8
);
COMMENT ON TYPE crm.next_category_result IS 'what a customer most likely buys next';
COMMENT ON COLUMN crm.next_category_result.category IS 'the category';
COMMENT ON COLUMN crm.next_category_result.preference IS 'its share in what the customer buys next';
COMMENT ON COLUMN crm.next_category_result.base_share IS 'its share in the shop';
COMMENT ON COLUMN crm.next_category_result.lift IS 'preference over base_share; NULL if the base does not know the category';

CREATE FUNCTION crm.next_category(base crm.mix_base, mix crm.mix, as_of date, half_life interval DEFAULT NULL) RETURNS crm.next_category_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_next_category';
COMMENT ON FUNCTION crm.next_category(crm.mix_base, crm.mix, date, interval) IS
  'the row of crm.preference with the highest preference: what the customer most likely buys next';

-- what is bought together

CREATE TYPE crm.affinity_pair AS (
  first_category text,
  second_category text,
  occasion_count bigint,
  first_count bigint,
  second_count bigint,
  all_count bigint,
  support float8,
  confidence float8,
  reverse_confidence float8,
  lift float8
);
COMMENT ON TYPE crm.affinity_pair IS 'how often two categories are bought by a customer on one day';
COMMENT ON COLUMN crm.affinity_pair.first_category IS 'the one whose name comes first';
COMMENT ON COLUMN crm.affinity_pair.second_category IS 'the other';
COMMENT ON COLUMN crm.affinity_pair.occasion_count IS 'occasions, days of a customer, on which both were bought';
COMMENT ON COLUMN crm.affinity_pair.first_count IS 'occasions on which the first was bought';
COMMENT ON COLUMN crm.affinity_pair.second_count IS 'occasions on which the second was bought';
COMMENT ON COLUMN crm.affinity_pair.all_count IS 'occasions on which anything was bought';
COMMENT ON COLUMN crm.affinity_pair.support IS 'share of all occasions that have both';
COMMENT ON COLUMN crm.affinity_pair.confidence IS 'of the occasions with the first, the share that has the second too';
COMMENT ON COLUMN crm.affinity_pair.reverse_confidence IS 'of the occasions with the second, the share that has the first too';
COMMENT ON COLUMN crm.affinity_pair.lift IS 'how many times as often as if they had nothing to do with each other';
CREATE FUNCTION crm_internal.affinity_transition(crm.mix_state, crm.mix, date) RETURNS crm.mix_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_affinity_transition';
COMMENT ON FUNCTION crm_internal.affinity_transition(crm.mix_state, crm.mix, date) IS
  'transition function of the aggregate affinity';
CREATE FUNCTION crm_internal.affinity_final(crm.mix_state) RETURNS crm.affinity_pair[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_affinity_final';
COMMENT ON FUNCTION crm_internal.affinity_final(crm.mix_state) IS
  'final function of the aggregate affinity';
CREATE AGGREGATE crm.affinity(mix crm.mix, as_of date) (
  SFUNC = crm_internal.affinity_transition,
  STYPE = crm.mix_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.affinity_final,
  COMBINEFUNC = crm_internal.mix_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.affinity(crm.mix, date) IS
  'the pairs of categories that customers buy on the same day until as_of, each pair once, with exact counts';

-- a market of which only its table is known

CREATE TYPE crm.fit_dirichlet_market_result AS (
  mean float8,
  shape float8,
  diversity float8,
  diversity_all float8,
  brand_diversities float8[]
);
COMMENT ON TYPE crm.fit_dirichlet_market_result IS 'the NBD-Dirichlet of a market';
COMMENT ON COLUMN crm.fit_dirichlet_market_result.mean IS 'mean of the purchases per person';
COMMENT ON COLUMN crm.fit_dirichlet_market_result.shape IS 'shape of the purchases per person';
COMMENT ON COLUMN crm.fit_dirichlet_market_result.diversity IS 'the diversity S, weighted by share, without outliers';
COMMENT ON COLUMN crm.fit_dirichlet_market_result.diversity_all IS 'that of all brands';
COMMENT ON COLUMN crm.fit_dirichlet_market_result.brand_diversities IS 'that of each brand';

CREATE FUNCTION crm.fit_dirichlet_market(penetration float8, purchases_per_buyer float8, brand_shares float8[], brand_penetrations float8[]) RETURNS crm.fit_dirichlet_market_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_fit_dirichlet_market';
COMMENT ON FUNCTION crm.fit_dirichlet_market(float8, float8, float8[], float8[]) IS
  'the NBD-Dirichlet of a market (Goodhardt, Ehrenberg & Chatfield 1984) from its table: penetration of the category and purchases per buyer, share and penetration of each brand. Mean and shape of the purchases per person; the diversity S, weighted by share, without outliers (box plot and notch) and of all brands; that of each brand';
