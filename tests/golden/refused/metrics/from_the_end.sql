{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, count_if(substring(kind, -1) = 'a') as value
from t_from_the_end
where ts >= :start and ts < :end
group by user_id
