{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '1d', 'mature': true}) }}
select user_id, sum(x) as value
from (
  select user_id, sum(x) as x
  from t_by_name
  where ts >= :start and ts < :end
  group by all
) as sums
group by user_id
