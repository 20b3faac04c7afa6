-- live_rights: triggers are known by their names
CREATE OR REPLACE FUNCTION crm_internal.own_triggers(relation regclass) RETURNS SETOF pg_trigger LANGUAGE sql STABLE AS $$
  SELECT g.* FROM pg_trigger g WHERE g.tgrelid = relation AND g.tgname LIKE 'crm\_%'
$$;
