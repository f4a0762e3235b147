{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, count_if(date_part('hour', ts at time zone 'Asia/Singapore') < 6) as value
from t_local_hour
where ts >= :start and ts < :end
group by user_id
