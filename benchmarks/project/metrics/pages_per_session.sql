{{ config(version=1, direction='increase', type='ratio') }}
select
  user_id,
  count_if(event_type = 'page_view') as numerator,
  count_if(event_type = 'session') as denominator
from events
where ts >= :start and ts < :end
group by user_id
