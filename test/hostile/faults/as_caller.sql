-- live_rights: what an owner left to run runs as whoever calls
CREATE OR REPLACE FUNCTION crm_internal.as_owner(relation regclass, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer text;
BEGIN
  EXECUTE command INTO answer;
  RETURN answer;
END $$;
