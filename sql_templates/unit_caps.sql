/* percentile caps: over all units of an experiment that count by its last day, whatever their variant */
select
  cells.experiment_no
  {% for cap in caps %}
  , {{ tree(cap.tree) }} as {{ cap.name | ident }}
  {% endfor %}
from unit_values
join cells on cells.cell = unit_values.cell
{% if analysed is not none %}
where {{ tree(analysed) }}
{% endif %}
group by cells.experiment_no
