{{ config(version=1, type='quantile', quantile=0.99, direction='decrease', owner='platform-team',
          description='99th percentile of page load milliseconds, over all page loads') }}
select
  user_id,
  value as load_ms
from events
where event_type = 'page_load'
  and event_time >= :start and event_time < :end
