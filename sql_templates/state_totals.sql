/* totals of the units that the newly closed days have changed; day 0 is before the exposure, day 1 after it */
select
  unit_key,
  day
  {% for column in columns %}
  , {{ tree(column.merged) }} as {{ column.name | ident }}
  {% endfor %}
from (
  select unit_key, least(day, 1) as day{% for column in columns %}, {{ column.name | ident }}{% endfor %}

  from {{ recent | ident }}
  where day <= {{ last_day | literal }}
  {% if known is not none %}
  union all
  select known.unit_key, known.day{% for column in columns %}, known.{{ column.name | ident }}{% endfor %}

  from {{ tree(known) }} as known
  join (
    select distinct unit_key
    from {{ recent | ident }}
    where day > 0 and day <= {{ last_day | literal }}
  ) as changed on changed.unit_key = known.unit_key
  where known.day = 1
  {% endif %}
) as changes
group by unit_key, day
