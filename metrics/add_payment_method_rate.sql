{{ config(version=1, type='proportion', direction='increase', owner='payments-team',
          description='Share of users who add a payment method') }}
select
  user_id,
  bool_or(event_type = 'add_payment_method') as added_payment_method
from events
where event_date between :start_date and :end_date
group by user_id
