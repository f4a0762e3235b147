{{ config(version=1, direction='increase') }}
select
  user_id,
  count(*) as page_views
from events
where event_type = 'page_view' and ts >= :start and ts < :end
group by user_id
