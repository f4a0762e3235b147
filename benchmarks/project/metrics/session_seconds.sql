{{ config(version=1, direction='increase') }}
select
  user_id,
  sum(value) as session_seconds
from events
where event_type = 'session' and ts >= :start and ts < :end
group by user_id
