{% if sample is not none %}
/* constants near the means of the first units: moments are taken about them, so that no digits are lost */
{% else %}
/* moments of values that a unit has once: n, sums and cross products per cell */
{% endif %}
with {% if units is not none %}unit_values as (
  {{ tree(units) }}
)
, {% endif %}capped_values as (
  select
    cell
    {% for value in capped %}
    , {{ tree(value.tree) }} as {{ value.name | ident }}
    {% endfor %}
  from unit_values
{% include "_caps.sql" %}
  {% if sample is not none %}
  where unit_key % {{ units_per_cell | literal }} <= {{ sample | literal }}
  {% endif %}
)
select
  {% if sample is none %}
  cell,
  {% endif %}
  {% for term in terms %}
  {{ tree(term.tree) }} as {{ term.name | ident }}{% if not loop.last %},{% endif %}

  {% endfor %}
from capped_values
{% if sample is none %}
group by cell
{% endif %}
