/* aggregates that do not add up over days, computed again for every day on which a unit was active */
with facts as (
  select
    exposed.unit_key,
    exposed.exposed_at,
    exposed.exposed_day,
    {% if has_open_until %}
    exposed.open_until,
    {% endif %}
    {{ tree(day) }} as day,
    facts.*
  from {{ tree(facts) }} as facts
  join exposed_units as exposed on facts.unit = exposed.unit
  where {{ tree(in_reach) }}
)
, active_days as (
  select distinct unit_key, day
  from facts
  where day > 0
)
select
  active_days.unit_key,
  active_days.day
  {% for column in columns %}
  , {{ tree(column.aggregate) }} as {{ column.name | ident }}
  {% endfor %}
from active_days
join facts on facts.unit_key = active_days.unit_key and facts.day between 1 and active_days.day
group by active_days.unit_key, active_days.day
union all
select
  facts.unit_key,
  0 as day
  {% for column in columns %}
  , {{ tree(column.aggregate) }} as {{ column.name | ident }}
  {% endfor %}
from facts
where facts.day = 0
group by facts.unit_key
