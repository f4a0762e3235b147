{{ config(version=1, type='ratio', direction='increase', owner='growth-team',
          covariate={'lookback': '28d'},
          description='Revenue per order, with every order capped at 500') }}
select
  user_id,
  sum(least(revenue, 500)) as numerator,
  count(*) as denominator
from orders
where ordered_at >= :start and ordered_at < :end
group by user_id
