{{ config(version=1, type='ratio', direction='decrease', owner='platform-team',
          covariate={'lookback': '28d'},
          description='Mean milliseconds of a page load, with every load capped at 10 seconds') }}
select
  user_id,
  sum(least(value, 10000)) as numerator,
  count(*) as denominator
from events
where event_type = 'page_load'
  and event_time >= :start and event_time < :end
group by user_id
