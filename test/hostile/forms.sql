-- Mutated text and binary forms of every type: what is accepted prints, and reads back as what it is.

CREATE TABLE hostile.formed (tried bigint NOT NULL, accepted bigint NOT NULL);
INSERT INTO hostile.formed VALUES (0, 0);

-- Some characters of a text replaced, doubled, left out or swapped for parts of another.
CREATE FUNCTION hostile.mutated(seed text, value text, other text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  alphabet constant text := '{}[](),;:->/%"''\ 0123456789.-+eEinfNaNBC';
  at int;
BEGIN
  FOR i IN 1 .. 1 + hostile.pick(seed || 'n', 3) LOOP
    at := 1 + hostile.pick(seed || i, length(value) + 1);
    value := CASE hostile.pick(seed || 'how' || i, 5)
      WHEN 0 THEN overlay(value PLACING substr(alphabet, 1 + hostile.pick(seed || 'c' || i, length(alphabet)), 1) FROM at FOR 1)
      WHEN 1 THEN overlay(value PLACING '' FROM at FOR 1 + hostile.pick(seed || 'l' || i, 4))
      WHEN 2 THEN overlay(value PLACING substr(value, at, 6) FROM at FOR 0)
      WHEN 3 THEN overlay(value PLACING substr(other, at, 9) FROM at FOR 3)
      ELSE overlay(value PLACING repeat('9', 1 + hostile.pick(seed || 'd' || i, 20)) FROM at FOR 0) END;
  END LOOP;
  RETURN value;
END $$;

-- A value that was accepted: it prints, and what is printed reads as an equal value that prints the same.
CREATE FUNCTION hostile.check_value(type text, value text, how text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  printed text;
  again text;
  began constant float8 := hostile.cpu();
BEGIN
  EXECUTE format('SELECT %L::%s::text', value, type) INTO printed;
  EXECUTE format('SELECT %L::%s::text', printed, type) INTO again;
  IF printed IS DISTINCT FROM again THEN
    INSERT INTO hostile.finding VALUES (format('%s %s', how, left(value, 500)), format('prints %s, then %s', left(printed, 200), left(again, 200)));
  END IF;
  PERFORM hostile.note_slow(format('%s %s::%s', how, left(value, 500), type), began);
EXCEPTION
  WHEN query_canceled THEN
    PERFORM hostile.note_slow(format('%s %s::%s', how, left(value, 500), type), began);
  WHEN OTHERS THEN
    INSERT INTO hostile.finding VALUES (format('%s %s::%s', how, left(value, 500), type), format('cannot be read again: %s', SQLERRM));
END $$;

CREATE FUNCTION hostile.try_text(type text, value text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  began constant float8 := hostile.cpu();
BEGIN
  UPDATE hostile.formed SET tried = tried + 1;
  BEGIN
    EXECUTE format('SELECT %L::%s', value, type);
  EXCEPTION
    WHEN query_canceled THEN
      PERFORM hostile.note_slow(format('%L::%s', left(value, 500), type), began);
      RETURN;
    WHEN out_of_memory OR internal_error THEN
      INSERT INTO hostile.finding VALUES (format('%L::%s', left(value, 500), type), format('%s: %s', SQLSTATE, SQLERRM));
      RETURN;
    WHEN OTHERS THEN
      RETURN;
  END;
  UPDATE hostile.formed SET accepted = accepted + 1;
  PERFORM hostile.note_slow(format('%L::%s', left(value, 500), type), began);
  PERFORM hostile.check_value(type, value, 'text');
END $$;

-- A binary form goes through a file, as COPY takes it.
CREATE FUNCTION hostile.try_binary(type text, message bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  file constant text := current_setting('data_directory') || '/hostile.bin';
  value text;
  began constant float8 := hostile.cpu();
BEGIN
  UPDATE hostile.formed SET tried = tried + 1;
  BEGIN
    EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
    EXECUTE format('CREATE TEMP TABLE hostile_received (value %s) ON COMMIT DROP', type);
    EXECUTE format('COPY hostile_received FROM %L (FORMAT binary)', file);
    SELECT r.value::text INTO value FROM hostile_received r;
    DROP TABLE hostile_received;
  EXCEPTION
    WHEN query_canceled THEN
      PERFORM hostile.note_slow(format('%L::bytea as %s', message, type), began);
      RETURN;
    WHEN out_of_memory OR internal_error THEN
      INSERT INTO hostile.finding VALUES (format('%L::bytea as %s', message, type), format('%s: %s', SQLSTATE, SQLERRM));
      RETURN;
    WHEN OTHERS THEN
      RETURN;
  END;
  UPDATE hostile.formed SET accepted = accepted + 1;
  PERFORM hostile.note_slow(format('%L::bytea as %s', message, type), began);
  PERFORM hostile.check_value(type, value, 'binary');
END $$;

-- The binary form of a value with some bytes changed.
CREATE FUNCTION hostile.mutated_bytes(seed text, message bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  FOR i IN 1 .. 1 + hostile.pick(seed || 'n', 3) LOOP
    EXIT WHEN length(message) = 0;
    message := CASE hostile.pick(seed || 'how' || i, 4)
      WHEN 0 THEN substr(message, 1, hostile.pick(seed || 'cut' || i, length(message)))
      WHEN 1 THEN message || substr(message, 1 + hostile.pick(seed || 'more' || i, length(message)))
      ELSE set_byte(message, hostile.pick(seed || 'at' || i, length(message)), (ARRAY[0, 1, 127, 128, 255, hostile.pick(seed || 'b' || i, 256)])[1 + hostile.pick(seed || 'w' || i, 6)]) END;
  END LOOP;
  RETURN message;
END $$;

CREATE FUNCTION hostile.sent(type text, value text) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
DECLARE
  message bytea;
BEGIN
  EXECUTE format('SELECT %s(%L::%s)', (SELECT typsend FROM pg_type WHERE oid = type::regtype), value, type) INTO message;
  RETURN message;
END $$;

-- Statements to run one by one.
CREATE FUNCTION hostile.forms(seed int, n int) RETURNS SETOF text LANGUAGE sql STABLE AS $$
  WITH value AS MATERIALIZED (SELECT v.*, (row_number() OVER (ORDER BY type, value))::int - 1 AS number FROM hostile.value v
    WHERE type LIKE 'crm.%' AND length(hostile.sent(type, value)) < 10000)
  SELECT CASE WHEN hostile.pick(s || 'form', 3) > 0
    THEN format('SELECT hostile.try_text(%L, %L)', v.type, hostile.mutated(s, v.value, o.value))
    ELSE format('SELECT hostile.try_binary(%L, %L::bytea)', v.type, hostile.mutated_bytes(s, hostile.sent(v.type, v.value))) END
  FROM (SELECT 'form' || seed || '/' || i AS s, hostile.pick('v' || seed || '/' || i, (SELECT count(*)::int FROM value)) AS v,
          hostile.pick('o' || seed || '/' || i, (SELECT count(*)::int FROM value)) AS o FROM generate_series(1, n) AS i) AS s
    JOIN value v ON v.number = s.v JOIN value o ON o.number = s.o
$$;
