{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, max(x) as value
from (
  select user_id, x, ts
  from t_latest
  where ts >= :start and ts < :end
  qualify row_number() over (partition by user_id order by ts desc) = 1
) as last_rows
group by user_id
