/* a query as its author wrote it, run for each unit and span of time */
select
  periods.unit_key,
  periods.day
  {% for value in values %}
  , {{ tree(value.tree) }} as {{ value.name | ident }}
  {% endfor %}
from {{ tree(query) }} as written
join {{ periods | ident }} as periods on {{ tree(key) }} = periods.period
