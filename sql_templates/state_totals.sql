/* totals of the units that the newly closed days have changed; day 0 is before the exposure, day 1 after it */
select
  known.unit_key,
  least(known.day, 1) as day
  {% for column in columns %}
  , {{ tree(column.merged) }} as {{ column.name | ident }}
  {% endfor %}
from {{ table | ident }} as known
join (select distinct unit_key from {{ recent | ident }}) as changed on changed.unit_key = known.unit_key
group by known.unit_key, least(known.day, 1)
