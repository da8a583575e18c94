-- Up Migration

-- Makes a partition when it is missing. CREATE and ATTACH instead of PARTITION OF: readers and writers of the
-- parent go on meanwhile. The advisory lock lets several servers ask for the same one.
CREATE FUNCTION ensure_range_partition(parent regclass, partition_name text, lower timestamptz, upper timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ringpost partition'));
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
                   partition_name, parent);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, partition_name, lower, upper);
END $$;

-- The day (UTC) of ami_events that holds this moment.
CREATE FUNCTION ensure_ami_events_day(moment timestamptz) RETURNS void LANGUAGE sql AS $$
    SELECT ensure_range_partition('ami_events', 'ami_events_' || to_char(d, 'YYYYMMDD'),
                                  d AT TIME ZONE 'UTC', (d + interval '1 day') AT TIME ZONE 'UTC')
    FROM (SELECT date_trunc('day', moment AT TIME ZONE 'UTC') AS d) t
$$;

-- The month (UTC) of call_events that holds this moment, hangups and other steps.
CREATE FUNCTION ensure_call_events_month(moment timestamptz) RETURNS void LANGUAGE sql AS $$
    SELECT ensure_range_partition(('call_events_' || kind)::regclass, 'call_events_' || kind || '_' || to_char(m, 'YYYYMM'),
                                  m AT TIME ZONE 'UTC', (m + interval '1 month') AT TIME ZONE 'UTC')
    FROM (SELECT date_trunc('month', moment AT TIME ZONE 'UTC') AS m) t, (VALUES ('hangup'), ('steps')) k (kind)
$$;

SELECT ensure_ami_events_day(now()), ensure_ami_events_day(now() + interval '1 day');
SELECT ensure_call_events_month(now()), ensure_call_events_month(now() + interval '1 month');
