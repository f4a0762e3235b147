{{ config(version=1, type='ratio', direction='decrease', owner='payments-team',
          description='Checkout errors per checkout started') }}
select
  user_id,
  count_if(event_type = 'checkout_error') as numerator,
  count_if(event_type = 'checkout_started') as denominator
from events
where event_date between :start_date and :end_date
group by user_id
