{{ config(version=1, direction='increase', winsorize={'upper': '99%'}) }}
select user_id, sum(amount) as spend
from orders
where ordered_at >= :start and ordered_at < :end
group by user_id
