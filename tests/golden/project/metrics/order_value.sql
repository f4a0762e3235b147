{{ config(version=1, type='ratio', direction='increase') }}
select user_id, sum(least("Amount", 500)) as numerator, count(*) as denominator
from "Web Orders"
where "orderedAt" >= :start and "orderedAt" < :end
group by user_id
