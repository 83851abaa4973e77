# shellcheck shell=bash # part of the benchmarks, whose functions it uses
# The end of native replication, whose subscription is bench.

# Both processes end, and with that their CPU time is counted.
stop_subscription() {
	destination_sql -c "ALTER SUBSCRIPTION bench DISABLE" -c "
		DO \$\$ BEGIN
			WHILE EXISTS (SELECT FROM pg_stat_subscription WHERE pid IS NOT NULL) LOOP PERFORM pg_sleep(0.05); COMMIT; END LOOP;
		END \$\$"
	source_sql -c "
		DO \$\$ BEGIN
			WHILE EXISTS (SELECT FROM pg_stat_replication) LOOP PERFORM pg_sleep(0.05); COMMIT; END LOOP;
		END \$\$"
}

drop_subscription() { # and its slot
	destination_sql -c "SET client_min_messages = warning" -c "DROP SUBSCRIPTION bench"
}
