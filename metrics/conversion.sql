{{ config(version=1, type='proportion', direction='increase', owner='growth-team',
          covariate=['orders_per_user', 'platform'],
          description='Share of users who order at least once') }}
select
  user_id,
  case when count(*) > 0 then 1 else 0 end as converted
from orders
where ordered_at >= :start and ordered_at < :end
group by user_id
