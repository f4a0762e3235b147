{{ config(version=1, direction='decrease', covariate=false) }}
select user_id, avg(gap) as gap
from (
  select
    user_id,
    epoch("orderedAt" - lag("orderedAt") over (partition by user_id order by "orderedAt")) / 86400 as gap
  from "Web Orders"
  where "orderedAt" >= :start and "orderedAt" < :end
) as gaps
group by user_id
