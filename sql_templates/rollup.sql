/* cells added up: everyone, and each dimension by itself */
with moments as (
  {{ tree(moments) }}
)
select
  cells.experiment_no,
  cells.variant_no,
  {% for name in days %}
  {{ tree(name) }},
  {% endfor %}
  {% for name in dimensions %}
  cells.{{ name | ident }},
  {% endfor %}
  {% for name in terms %}
  sum(moments.{{ name | ident }}) as {{ name | ident }}{% if not loop.last %},{% endif %}

  {% endfor %}
from moments
join cells on cells.cell = moments.cell
group by grouping sets (
  (cells.experiment_no, cells.variant_no{% for name in days %}, {{ tree(name) }}{% endfor %})
  {% for dimension in dimensions %}
  , (cells.experiment_no, cells.variant_no{% for name in days %}, {{ tree(name) }}{% endfor %}, cells.{{ dimension | ident }})
  {% endfor %}
)
