{{ config(version=1, direction='increase', covariate=false) }}
select user_id, count_if(status = 'paid') / nullif(count(*), 0) as checkout_rate
from "Web Orders"
where "orderedAt" >= :start and "orderedAt" < :end
group by user_id
