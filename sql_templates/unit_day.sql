/* one scan of the facts for all its metrics: partial aggregates per unit and day; day 0 is before the exposure */
select
  exposed.unit_key,
  {{ tree(day) }} as day
  {% for column in columns %}
  , {{ tree(column.aggregate) }} as {{ column.name | ident }}
  {% endfor %}
from {{ tree(facts) }} as facts
join {{ tree(exposed) }} as exposed on facts.unit = exposed.unit
where {{ tree(in_reach) }}
group by exposed.unit_key, {{ tree(day) }}
