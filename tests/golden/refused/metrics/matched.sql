{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, count_if(kind ilike 'a%') as value
from t_matched
where ts >= :start and ts < :end
group by user_id
