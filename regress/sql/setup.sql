--
-- What the other tests share: the extension, and the way to read the slot.
--
CREATE EXTENSION walferry;

-- What they do to tables is no part of the streams that they read, save in those of DDL.
DO $$ BEGIN
	EXECUTE format('ALTER DATABASE %I SET walferry.capture_ddl = off', current_database());
END $$;
SET walferry.capture_ddl = off;
SELECT walferry.library_version();

-- Each test reads the changes that it makes after start_slot(), as text.
CREATE FUNCTION start_slot() RETURNS void LANGUAGE sql AS $$
	SELECT pg_drop_replication_slot(slot_name)
	FROM pg_replication_slots WHERE slot_name = 'walferry_regress';
	SELECT pg_create_logical_replication_slot('walferry_regress', 'walferry');
$$;

CREATE FUNCTION stop_slot() RETURNS void LANGUAGE sql AS $$
	SELECT pg_drop_replication_slot('walferry_regress');
$$;

CREATE FUNCTION stream(VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT data FROM pg_logical_slot_get_changes('walferry_regress', NULL, NULL,
		VARIADIC ARRAY['output', 'text'] || options);
$$;

-- And as frames, taken apart by a decoder in SQL.
CREATE FUNCTION frames(VARIADIC options text[] DEFAULT '{}') RETURNS SETOF bytea LANGUAGE sql AS $$
	SELECT data FROM pg_logical_slot_peek_binary_changes('walferry_regress', NULL, NULL,
		VARIADIC ARRAY['protocol', '4'] || options);
$$;

CREATE FUNCTION uint16(bytes bytea, pos int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT get_byte(bytes, pos) << 8 | get_byte(bytes, pos + 1);
$$;

CREATE FUNCTION int32(bytes bytea, pos int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT ('x' || encode(substr(bytes, pos + 1, 4), 'hex'))::bit(32)::int;
$$;

CREATE FUNCTION uint64(bytes bytea, pos int) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
	SELECT (int32(bytes, pos)::bigint << 32) | (int32(bytes, pos + 4)::bigint & 4294967295);
$$;

CREATE FUNCTION messages(frame bytea) RETURNS TABLE (kind text, body bytea) LANGUAGE plpgsql AS $$
DECLARE
	pos int := 14;
	size int;
BEGIN
	WHILE pos < length(frame) LOOP
		kind := chr(get_byte(frame, pos));
		size := int32(frame, pos + 1);
		body := substr(frame, pos + 6, size);
		IF length(body) <> size THEN
			RAISE EXCEPTION 'frame ends inside a message';
		END IF;
		pos := pos + 5 + size;
		RETURN NEXT;
	END LOOP;
END $$;

-- The applier's role needs to own nothing of this.
CREATE ROLE regress_walferry_plain;
SET ROLE regress_walferry_plain;
SELECT walferry.library_version(), walferry.sends_binary('int4'::regtype),
	walferry.selects('pg_class', '*.*', '');
RESET ROLE;
DROP ROLE regress_walferry_plain;

-- Everything is described.
SELECT p.oid::regprocedure, obj_description(p.oid, 'pg_proc') IS NOT NULL AS described
FROM pg_proc p WHERE pronamespace = 'walferry'::regnamespace ORDER BY 1::text;
SELECT extname, extversion, extnamespace::regnamespace, extrelocatable FROM pg_extension WHERE extname = 'walferry';
