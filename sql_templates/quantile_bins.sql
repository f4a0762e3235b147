/* a quantile metric's rows in narrow bins, with the sums that tell how its units spread */
{% if value is not none %}
with placed as (
  /* one value per unit */
  select cell, {{ value | ident }} as value, 1 as place, 1 as unit_rows
  from unit_values
  where {{ value | ident }} is not null
)
{% else %}
with placed as (
  /* each row's place among those of its unit: up to any value, 2 * place - 1 adds up to the square of their number */
  select
    unit_key // {{ units_per_cell | literal }} as cell,
    {{ row_value | ident }} as value,
    row_number() over (partition by unit_key order by {{ row_value | ident }}) as place,
    count(*) over (partition by unit_key) as unit_rows
  from {{ table | ident }}
  where day > 0 and isfinite({{ row_value | ident }})
)
{% endif %}
, binned as (
  /* a bin is as wide as a fixed share of its values; those below zero have negative numbers, zero has a bin of its own */
  select
    cells.experiment_no,
    cells.variant_no,
    {{ tree(day) }} as day,
    {% for name in dimensions %}
    cells.{{ name | ident }},
    {% endfor %}
    cast(case
      when placed.value = 0 then 0
      else sign(placed.value) * ({{ zero_offset | literal }} + floor(ln(abs(placed.value)) / {{ log_width | literal }}))
    end as bigint) as bin,
    placed.place,
    placed.unit_rows,
    placed.value
  from placed
  join cells on cells.cell = placed.cell
  where cells.{{ entry | ident }} <= {{ tree(last_day) }}
)
select
  experiment_no,
  variant_no,
  day,
  {% for name in dimensions %}
  {{ name | ident }},
  {% endfor %}
  bin,
  min(value) as smallest,
  max(value) as largest,
  count(*) as row_count,
  count(case when place = 1 then 1 end) as unit_count,
  sum(cast(2 * place - 1 as double)) as squares,
  sum(cast(unit_rows as double)) as products
from binned
group by {% if dimensions %}grouping sets ({% for name in dimensions %}(experiment_no, variant_no, day, bin, {{ name | ident }}){% if not loop.last %}, {% endif %}{% endfor %}){% else %}experiment_no, variant_no, day, bin{% endif %}

