{{ config(version=1, direction='increase', covariate=false, winsorize={'upper': 3}) }}
select user_id, count(*) as orders
from "Web Orders"
where "orderedAt" >= :start and "orderedAt" < :end
group by user_id
