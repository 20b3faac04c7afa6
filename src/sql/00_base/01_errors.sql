-- errors of the functions in PL/pgSQL

CREATE FUNCTION crm_internal.raise_error(condition text, message text, detail text DEFAULT NULL, hint text DEFAULT NULL) RETURNS void
  LANGUAGE C VOLATILE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_raise_error';
COMMENT ON FUNCTION crm_internal.raise_error(text, text, text, text) IS
  'raises an error of a condition as RAISE does, without context lines that name functions of the extension';
