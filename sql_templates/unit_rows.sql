/* one row per event of an analysed unit */
select
  exposed.unit_key,
  {{ tree(day) }} as day,
  cast(facts.value as double) as value
from {{ tree(facts) }} as facts
join exposed_units as exposed on facts.unit = exposed.unit
where {{ tree(in_reach) }}
  and isfinite(cast(facts.value as double))
