{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, sum(x) filter (where kind = 'a') as value
from t_filtered
where ts >= :start and ts < :end
group by user_id
