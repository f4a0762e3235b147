{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, quantile_cont(x, 0.25) as value
from t_quartile
where ts >= :start and ts < :end
group by user_id
