/* the days of a unit after its exposure, added up */
select
  unit_key
  {% for column in columns %}
  , {{ tree(column.tree) }} as {{ column.name | ident }}
  {% endfor %}
from {{ table | ident }}
where day > 0
{% if sample is not none %}
  and unit_key % {{ units_per_cell | literal }} <= {{ sample | literal }}
{% endif %}
group by unit_key
