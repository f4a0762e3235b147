{{ config(version=1, type='ratio', direction='increase', owner='growth-team',
          description='Items per paid order') }}
with paid_orders as (
  select user_id, ordered_at, items
  from orders
  where revenue > 0
)
select
  user_id,
  sum(items) as numerator,
  count(*) as denominator
from paid_orders
where ordered_at >= :start and ordered_at < :end
group by user_id
