{{ config(version=1, direction='decrease', covariate=false, owner='growth-team', tags=['slow'],
          description='Mean days between successive orders, among users with two or more') }}
select
  user_id,
  avg(gap) as days_between_orders
from (
  select
    user_id,
    epoch(ordered_at - lag(ordered_at) over (partition by user_id order by ordered_at)) / 86400 as gap
  from orders
  where ordered_at >= :start and ordered_at < :end
) as gaps
group by user_id
