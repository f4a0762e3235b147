/* exposed units: what every scan of facts joins */
select
  cells.cell * {{ units_per_cell | literal }} + {% if taken %}{{ taken | literal }} + {% endif %}row_number() over () as unit_key,
  units.unit,
  units.exposed_at,
  units.exposed_day
  {% if open_until is not none %}
  , {{ tree(open_until) }} as open_until
  {% endif %}
from analysed_units as units
join cells
  on units.experiment_no = cells.experiment_no
  and units.variant_no = cells.variant_no
  {% for name in names %}
  and units.{{ name | ident }} = cells.{{ name | ident }}
  {% endfor %}
