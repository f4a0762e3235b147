{{ config(version=1, type='proportion', direction='increase', covariate=false, owner='growth-team',
          window={'start': '7d', 'end': '14d'},
          description='Share of users who load a page in the second week after their exposure') }}
select
  user_id,
  max(case when event_type = 'page_load' then 1 else 0 end) as came_back
from events
where event_time >= :start and event_time < :end
group by user_id
