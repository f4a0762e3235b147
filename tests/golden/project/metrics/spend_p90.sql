{{ config(version=1, type='quantile', quantile=0.9, direction='increase') }}
select user_id, sum("Amount") as spend
from "Web Orders"
where "orderedAt" >= :start and "orderedAt" < :end
group by user_id
