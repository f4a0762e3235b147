{{ config(version=1, direction='increase', owner='payments-team',
          description='Checkouts completed per checkout started, per user') }}
select
  user_id,
  count_if(event_type = 'checkout_completed')::float
    / nullif(count_if(event_type = 'checkout_started'), 0) as checkout_rate
from events
where event_date between :start_date and :end_date
group by user_id
