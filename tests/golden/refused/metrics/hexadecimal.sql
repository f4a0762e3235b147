{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, sum(cast('0x' || kind as bigint)) as value
from t_hexadecimal
where ts >= :start and ts < :end
group by user_id
