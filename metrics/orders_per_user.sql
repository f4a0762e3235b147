{{ config(version=1, direction='increase', owner='growth-team',
          covariate={'lookback': '28d'},
          description='Number of orders per user') }}
select
  user_id,
  count(*) as orders
from orders
where ordered_at >= :start and ordered_at < :end
group by user_id
