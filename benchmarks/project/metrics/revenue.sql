{{ config(version=1, direction='increase') }}
select
  user_id,
  sum(value) as revenue
from events
where event_type = 'purchase' and ts >= :start and ts < :end
group by user_id
