/* cells: units of one cell share experiment, variant, segments and days; a unit's key begins with its cell */
select
  cast(experiment_no as bigint) * {{ cells_per_experiment | literal }}
    + row_number() over (partition by experiment_no order by variant_no, {% for name in names %}{{ name | ident }}{% if not loop.last %}, {% endif %}{% endfor %}) as cell,
  experiment_no,
  variant_no,
  {% for name in names %}
  {{ name | ident }},
  {% endfor %}
  count(*) as n
from analysed_units
group by experiment_no, variant_no, {% for name in names %}{{ name | ident }}{% if not loop.last %}, {% endif %}{% endfor %}
