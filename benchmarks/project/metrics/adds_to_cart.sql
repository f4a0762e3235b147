{{ config(version=1, direction='increase') }}
select
  user_id,
  count(*) as adds_to_cart
from events
where event_type = 'add_to_cart' and ts >= :start and ts < :end
group by user_id
