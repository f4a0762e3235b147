{{ config(version=1, direction='increase', winsorize={'upper': 20}, owner='discovery-team',
          description='Number of different products a user looks at, capped at 20') }}
select
  user_id,
  count(distinct product_id) as products
from events
where event_type = 'product_view'
  and event_time >= :start and event_time < :end
group by user_id
