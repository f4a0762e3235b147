{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, count_if(x not in (1, null)) as value
from t_absent_in_list
where ts >= :start and ts < :end
group by user_id
