{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, median(x) as value
from t_median_value
where ts >= :start and ts < :end
group by user_id
