/* unit values: one row per exposed unit, with what each metric needs before and after its exposure */
{% for state in states %}
{% if loop.first %}with{% else %},{% endif %} {{ state.name | ident }} as (
  /* the state of the last day */
  select
    unit_key
    {% for name in state.columns %}
    , {{ name | ident }}
    {% endfor %}
  from (
    select *, row_number() over (partition by unit_key order by day desc) as days_ago
    from {{ state.table | ident }}
    where day > 0
  ) as states
  where days_ago = 1
)
{% endfor %}
select
  {{ base.name | ident }}.unit_key,
  {{ base.name | ident }}.unit_key // {{ units_per_cell | literal }} as cell
  {% for value in values %}
  , {{ tree(value.tree) }} as {{ value.name | ident }}
  {% endfor %}
from {{ tree(base.relation) }} as {{ base.name | ident }}
{% for join in joins %}
left join {{ tree(join.relation) }} as {{ join.name | ident }}
  on {{ join.name | ident }}.unit_key = {{ base.name | ident }}.unit_key
  {% if join.day is not none %}and {{ join.name | ident }}.day = {{ join.day | literal }}{% endif %}

{% endfor %}
{% if needs_cells %}
join cells on cells.cell = {{ base.name | ident }}.unit_key // {{ units_per_cell | literal }}
{% endif %}
{% if sample is not none %}
where {{ base.name | ident }}.unit_key % {{ units_per_cell | literal }} <= {{ sample | literal }}
{% endif %}
