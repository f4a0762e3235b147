{{ config(version=1, type='ratio', direction='increase', owner='discovery-team',
          covariate={'lookback': '28d'},
          description='Pages loaded per session') }}
select
  user_id,
  count_if(event_type = 'page_load') as numerator,
  count(distinct session_id) as denominator
from events
where event_time >= :start and event_time < :end
group by user_id
