{{ config(version=1, direction='decrease', fill=none, owner='payments-team',
          description='Mean seconds from starting to completing a checkout, among users who complete one') }}
select
  user_id,
  avg(value) as seconds
from events
where event_type = 'checkout_completed'
  and event_time >= :start and event_time < :end
group by user_id
