{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, approx_count_distinct(x) as value
from t_approximate
where ts >= :start and ts < :end
group by user_id
