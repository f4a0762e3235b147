{{ config(version=1, direction='increase') }}
select
  user_id,
  count(*) as sessions
from events
where event_type = 'session' and ts >= :start and ts < :end
group by user_id
