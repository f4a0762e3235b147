{{ config(version=1, direction='increase', covariate=false) }}
select user_id, min("Amount") as smallest
from "Web Orders"
where "orderedAt" >= :start and "orderedAt" < :end
group by user_id
