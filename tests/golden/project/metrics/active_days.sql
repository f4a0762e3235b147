{{ config(version=1, direction='increase', window={'start': '0d', 'end': '2d', 'mature': true}) }}
select user_id, sum(visits) as visits
from daily
where "Day" between :start_date and :end_date
group by user_id
