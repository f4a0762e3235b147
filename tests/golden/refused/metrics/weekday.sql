{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, sum(x) as value
from t_weekday
where ts >= :start and ts < :end and extract(dow from ts) = 1
group by user_id
