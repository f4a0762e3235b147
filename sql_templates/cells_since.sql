/* cells of the last closed day with their number of units now, and cells that are new since */
with entered as (
  select experiment_no, variant_no, {% for name in names %}{{ name | ident }}, {% endfor %}count(*) as n
  from analysed_units
  group by experiment_no, variant_no, {% for name in names %}{{ name | ident }}{% if not loop.last %}, {% endif %}{% endfor %}

)
, departed as (
  select unit_key // {{ units_per_cell | literal }} as cell, count(*) as n
  from gone_units
  group by unit_key // {{ units_per_cell | literal }}
)
, numbered as (
  select experiment_no, max(cell % {{ cells_per_experiment | literal }}) as last_number
  from {{ tree(known) }} as known
  group by experiment_no
)
select
  known.cell,
  known.experiment_no,
  known.variant_no,
  {% for name in names %}
  known.{{ name | ident }},
  {% endfor %}
  cast(known.n + coalesce(entered.n, 0) - coalesce(departed.n, 0) as bigint) as n
from {{ tree(known) }} as known
left join entered
  on entered.experiment_no = known.experiment_no
  and entered.variant_no = known.variant_no
  {% for name in names %}
  and entered.{{ name | ident }} = known.{{ name | ident }}
  {% endfor %}
left join departed on departed.cell = known.cell
union all
select
  entered.experiment_no * {{ cells_per_experiment | literal }} + coalesce(numbered.last_number, 0)
    + row_number() over (partition by entered.experiment_no order by entered.variant_no, {% for name in names %}entered.{{ name | ident }}{% if not loop.last %}, {% endif %}{% endfor %}) as cell,
  entered.experiment_no,
  entered.variant_no,
  {% for name in names %}
  entered.{{ name | ident }},
  {% endfor %}
  cast(entered.n as bigint) as n
from entered
left join {{ tree(known) }} as known
  on entered.experiment_no = known.experiment_no
  and entered.variant_no = known.variant_no
  {% for name in names %}
  and entered.{{ name | ident }} = known.{{ name | ident }}
  {% endfor %}
left join numbered on numbered.experiment_no = entered.experiment_no
where known.cell is null
