{{ config(version=1, direction='increase', covariate=false, fill=0) }}
select user_id, stddev_samp(amount) as spread
from orders
where ordered_at >= :start and ordered_at < :end
group by user_id
