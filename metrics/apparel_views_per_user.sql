{{ config(version=1, direction='increase', owner='discovery-team',
          description='Views of apparel products per user') }}
select
  events.user_id,
  count(*) as apparel_views
from events
join products on products.product_id = events.product_id
where events.event_type = 'product_view'
  and products.category = 'apparel'
  and events.event_time >= :start and events.event_time < :end
group by events.user_id
