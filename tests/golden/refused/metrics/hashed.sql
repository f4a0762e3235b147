{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, count_if(md5(kind) < '8') as value
from t_hashed
where ts >= :start and ts < :end
group by user_id
