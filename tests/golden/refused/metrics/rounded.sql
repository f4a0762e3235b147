{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, sum(round(x, 2)) as value
from t_rounded
where ts >= :start and ts < :end
group by user_id
