{{ config(version=1, direction='increase', type='proportion', window={'start': '3d', 'end': '7d'}, covariate={'lookback': '7d'}) }}
select
  user_id,
  count(*) > 0 as was_active
from events
where ts >= :start and ts < :end
group by user_id
