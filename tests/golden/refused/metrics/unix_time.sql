{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, max(epoch(ts)) as value
from t_unix_time
where ts >= :start and ts < :end
group by user_id
