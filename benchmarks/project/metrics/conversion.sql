{{ config(version=1, direction='increase', type='proportion') }}
select
  user_id,
  count(*) > 0 as has_purchased
from events
where event_type = 'purchase' and ts >= :start and ts < :end
group by user_id
