{{ config(version=1, direction='increase', covariate=false, fill=0) }}
select user_id, max("Amount") as largest
from "Web Orders"
where "orderedAt" >= :start and "orderedAt" < :end
group by user_id
