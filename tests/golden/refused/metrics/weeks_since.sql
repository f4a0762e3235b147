{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, sum(date_diff('week', ts, timestamp '2026-04-03')) as value
from t_weeks_since
where ts >= :start and ts < :end
group by user_id
