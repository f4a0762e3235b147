{{ config(version=1, direction='increase') }}
select
  user_id,
  count(*) as purchases
from events
where event_type = 'purchase' and ts >= :start and ts < :end
group by user_id
