/* distinct values per unit, each counted on the first day it was seen; day 0 is before the exposure */
with first_days as (
  select
    exposed.unit_key,
    {{ tree(value) }} as value,
    {{ tree(day) }} > 0 as is_after,
    min({{ tree(day) }}) as day
  from {{ tree(facts) }} as facts
  join exposed_units as exposed on facts.unit = exposed.unit
  where {{ tree(in_reach) }}
    and {{ tree(is_counted) }}
  group by exposed.unit_key, {{ tree(value) }}, {{ tree(day) }} > 0
)
select
  unit_key,
  day,
  cast(count(*) as double) as {{ name | ident }}
from first_days
group by unit_key, day
