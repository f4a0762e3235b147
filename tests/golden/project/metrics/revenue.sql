{{ config(version=1, direction='increase', covariate=['orders_capped', 'country'], winsorize={'upper': '99%'}) }}
select user_id, sum("Amount") as revenue
from "Web Orders"
where "orderedAt" >= :start and "orderedAt" < :end
group by user_id
