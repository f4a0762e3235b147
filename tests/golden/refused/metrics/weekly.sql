{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, count(distinct date_trunc('week', ts)) as value
from t_weekly
where ts >= :start and ts < :end
group by user_id
