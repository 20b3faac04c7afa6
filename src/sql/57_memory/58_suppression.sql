-- what may stay of somebody who is erased and wants no contact

CREATE FUNCTION crm.suppression_entry(secret text, customer jsonb) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_suppression_entry';
COMMENT ON FUNCTION crm.suppression_entry(text, jsonb) IS
  'what to keep of a customer who is erased and objected to contact: HMAC-SHA-256 of the object of the key columns, as crm.erase takes it, under a secret of 16 bytes or more; whoever does not know the secret learns nothing from it';
