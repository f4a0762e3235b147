{{ config(version=1, direction='increase', owner='growth-team',
          winsorize={'upper': '99%'}, covariate={'lookback': '28d'},
          description='Revenue per user, capped at the 99th percentile') }}
select
  user_id,
  sum(revenue) as revenue
from orders
where ordered_at >= :start and ordered_at < :end
group by user_id
