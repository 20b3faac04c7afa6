-- relationship_level: the five levels, the one that the matrix recommends, the one that the record shows

CREATE TYPE crm.relationship_level;

CREATE FUNCTION crm_internal.relationship_level_in(cstring) RETURNS crm.relationship_level
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_in';
CREATE FUNCTION crm_internal.relationship_level_out(crm.relationship_level) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_out';
CREATE FUNCTION crm_internal.relationship_level_recv(internal) RETURNS crm.relationship_level
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_recv';
CREATE FUNCTION crm_internal.relationship_level_send(crm.relationship_level) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_send';
COMMENT ON FUNCTION crm_internal.relationship_level_in(cstring) IS 'reads the name of a level';
COMMENT ON FUNCTION crm_internal.relationship_level_out(crm.relationship_level) IS 'writes the name of a level';
COMMENT ON FUNCTION crm_internal.relationship_level_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm_internal.relationship_level_send(crm.relationship_level) IS 'writes the binary form';

CREATE TYPE crm.relationship_level (
  INPUT = crm_internal.relationship_level_in,
  OUTPUT = crm_internal.relationship_level_out,
  RECEIVE = crm_internal.relationship_level_recv,
  SEND = crm_internal.relationship_level_send,
  INTERNALLENGTH = 1,
  PASSEDBYVALUE,
  ALIGNMENT = char,
  STORAGE = plain
);
COMMENT ON TYPE crm.relationship_level IS
  'how much of a relationship a customer gets: basic < reactive < accountable < proactive < partnership';

@comparison relationship_level|2|order from basic to partnership|equal content

CREATE FUNCTION crm_internal.relationship_level_number(crm.relationship_level) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_number';
COMMENT ON FUNCTION crm_internal.relationship_level_number(crm.relationship_level) IS
  'the number of the level, 1 (basic) to 5 (partnership)';
CREATE CAST (crm.relationship_level AS int) WITH FUNCTION crm_internal.relationship_level_number(crm.relationship_level);
COMMENT ON CAST (crm.relationship_level AS int) IS 'the number of the level, 1 (basic) to 5 (partnership)';
CREATE FUNCTION crm.relationship_gap(recommended crm.relationship_level, practised crm.relationship_level) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_gap';
COMMENT ON FUNCTION crm.relationship_gap(crm.relationship_level, crm.relationship_level) IS
  'how many levels the practised one lies below the recommended one; negative if above';

-- relationship_bands: the cuts of the bands

CREATE TYPE crm.relationship_bands;

CREATE FUNCTION crm_internal.relationship_bands_in(cstring) RETURNS crm.relationship_bands
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_relationship_bands_in';
CREATE FUNCTION crm_internal.relationship_bands_out(crm.relationship_bands) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_relationship_bands_out';
CREATE FUNCTION crm_internal.relationship_bands_recv(internal) RETURNS crm.relationship_bands
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_recv';
CREATE FUNCTION crm_internal.relationship_bands_send(crm.relationship_bands) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_send';
COMMENT ON FUNCTION crm_internal.relationship_bands_in(cstring) IS 'reads customers few < n <= medium < n <= many; margin low < amount <= medium < amount <= high';
COMMENT ON FUNCTION crm_internal.relationship_bands_out(crm.relationship_bands) IS 'writes customers few < n <= medium < n <= many; margin low < amount <= medium < amount <= high';
COMMENT ON FUNCTION crm_internal.relationship_bands_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm_internal.relationship_bands_send(crm.relationship_bands) IS 'writes the binary form';

CREATE TYPE crm.relationship_bands (
  INPUT = crm_internal.relationship_bands_in,
  OUTPUT = crm_internal.relationship_bands_out,
  RECEIVE = crm_internal.relationship_bands_recv,
  SEND = crm_internal.relationship_bands_send,
  INTERNALLENGTH = 32,
  ALIGNMENT = double,
  STORAGE = plain
);
COMMENT ON TYPE crm.relationship_bands IS
  'where few customers become many and a low margin high: customers few < n <= medium < n <= many; margin low < amount <= medium < amount <= high';

@comparison relationship_bands|2|order by the first cut that differs|equal content

CREATE FUNCTION crm.relationship_bands(medium_customers bigint, many_customers bigint, medium_margin numeric, high_margin numeric) RETURNS crm.relationship_bands
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands';
COMMENT ON FUNCTION crm.relationship_bands(bigint, bigint, numeric, numeric) IS
  'the bands that begin at these numbers of customers and margins per customer';
CREATE FUNCTION crm.customers_band(bands crm.relationship_bands, customers bigint) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_customers_band';
COMMENT ON FUNCTION crm.customers_band(crm.relationship_bands, bigint) IS
  'the band of a number of customers: few, medium or many';
CREATE FUNCTION crm.margin_band(bands crm.relationship_bands, margin numeric) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_margin_band';
COMMENT ON FUNCTION crm.margin_band(crm.relationship_bands, numeric) IS
  'the band of a margin per customer: low, medium or high';

-- levels

CREATE FUNCTION crm.recommended_level(customers_band text, margin_band text, wants_relationship boolean DEFAULT true) RETURNS crm.relationship_level
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_recommended_level';
COMMENT ON FUNCTION crm.recommended_level(text, text, boolean) IS
  'the level of the customers-by-margin matrix; at most reactive for who wants no relationship';
CREATE FUNCTION crm.recommended_level(bands crm.relationship_bands, customers bigint, margin numeric, wants_relationship boolean DEFAULT true) RETURNS crm.relationship_level
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_recommended_level_of';
COMMENT ON FUNCTION crm.recommended_level(crm.relationship_bands, bigint, numeric, boolean) IS
  'the level of the customers-by-margin matrix for a number of customers and the margin of one; at most reactive for who wants no relationship';
CREATE FUNCTION crm.practised_level(interactions crm.interaction_history, purchases crm.purchase_history, as_of timestamptz,
    time_zone text, is_partner boolean DEFAULT false, campaign_kinds text[] DEFAULT '{message,survey}')
    RETURNS crm.relationship_level
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_practised_level';
COMMENT ON FUNCTION crm.practised_level(crm.interaction_history, crm.purchase_history, timestamptz, text, boolean, text[]) IS
  'the highest level that the record of the 365 days until as_of shows; is_partner marks joint work on site or a named owner, campaign_kinds are the kinds of outbound contact that may go to everybody';
