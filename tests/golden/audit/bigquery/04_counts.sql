SELECT client, app_version, verdict, variant, expected, COUNT(*) AS assignments, SUM(n) AS n FROM recomputed GROUP BY client, app_version, verdict, variant, expected
