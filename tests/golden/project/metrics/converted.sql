{{ config(version=1, type='proportion', direction='increase', covariate=false) }}
select user_id, bool_or("Amount" > 0 and status not like 'cancel%') as converted
from "Web Orders"
where "orderedAt" >= :start and "orderedAt" < :end
group by user_id
