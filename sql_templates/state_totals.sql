/* totals of the units that the newly closed days have changed; day 0 is before the exposure, day 1 after it */
select unit_key, day{% for column in columns %}, {{ column.name | ident }}{% endfor %}

from {{ recent | ident }}
where day = 0
union all
select
  changes.unit_key,
  1 as day
  {% for column in columns %}
  , {{ tree(column.now) }} as {{ column.name | ident }}
  {% endfor %}
from (
  select
    unit_key
    {% for column in columns %}
    , {{ tree(column.merged) }} as {{ column.name | ident }}
    {% endfor %}
  from {{ recent | ident }}
  where day > 0 and day <= {{ last_day | literal }}
  group by unit_key
) as changes
{% if known is not none %}
left join {{ tree(known) }} as known on known.unit_key = changes.unit_key and known.day = 1
{% endif %}
