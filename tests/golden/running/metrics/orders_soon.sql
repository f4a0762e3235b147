{{ config(version=1, direction='increase', covariate=false, window={'start': '0d', 'end': '2d', 'mature': true}) }}
select user_id, count(*) as orders
from orders
where ordered_at >= :start and ordered_at < :end
group by user_id
