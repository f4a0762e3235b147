/* a unit's rows since the last closed day, after one row with its totals until then */
select recent.unit_key, recent.day{% for name in columns %}, recent.{{ name | ident }}{% endfor %}

from {{ recent | ident }} as recent
join exposed_units as active on active.unit_key = recent.unit_key
union all
select
  known.unit_key,
  case when known.day = 0 then 0 else {{ closed_day | literal }} end as day
  {% for name in columns %}
  , known.{{ name | ident }}
  {% endfor %}
from {{ tree(known) }} as known
join exposed_units as active on active.unit_key = known.unit_key
