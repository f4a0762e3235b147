{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, sum(cast(x / 2 as integer)) as value
from t_fraction_to_whole
where ts >= :start and ts < :end
group by user_id
