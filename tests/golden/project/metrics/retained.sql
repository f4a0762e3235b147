{{ config(version=1, type='proportion', direction='increase', covariate=false,
          window={'start': '1d', 'end': '3d', 'mature': true}) }}
select user_id, case when count(*) > 0 then 1 else 0 end as retained
from "Web Orders"
where "orderedAt" >= :start and "orderedAt" < :end
group by user_id
