{{ config(version=1, direction='increase', type='ratio') }}
select
  user_id,
  sum(value) as numerator,
  count(*) as denominator
from events
where event_type = 'purchase' and ts >= :start and ts < :end
group by user_id
