-- live_rights: anybody moves the position of a refresh
CREATE OR REPLACE FUNCTION crm_internal.write_refresh_position(histories regclass, last_key text[]) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
  UPDATE crm.refresh_position p SET last_key = write_refresh_position.last_key WHERE p.histories = write_refresh_position.histories
$$;
