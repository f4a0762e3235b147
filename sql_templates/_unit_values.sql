with {% for total in totals %}{{ total.name | ident }} as (
  /* the whole window from its days{% if total.is_state %}: the state of the last{% endif %} */
  select
    unit_key
    {% for column in total.columns %}
    , {{ tree(column.merged) }} as {{ column.name | ident }}
    {% endfor %}
  {% if total.is_state %}
  from (
    select *, row_number() over (partition by unit_key order by day desc) as days_ago
    from {{ total.table | ident }}
    where day > 0
  ) as states
  where days_ago = 1
  {% else %}
  from {{ total.table | ident }}
  where day > 0
  {% endif %}
  {% if sample is not none %}
    and unit_key % {{ units_per_cell | literal }} <= {{ sample | literal }}
  {% endif %}
  {% if not total.is_state %}
  group by unit_key
  {% endif %}
)
, {% endfor %}unit_values as (
  select
    units.unit_key // {{ units_per_cell | literal }} as cell
    {% for value in values %}
    , {{ tree(value.tree) }} as {{ value.name | ident }}
    {% endfor %}
  from exposed_units as units
  {% for join in joins %}
  left join {{ join.table | ident }} as {{ join.name | ident }}
    on {{ join.name | ident }}.unit_key = units.unit_key
    {% if join.day is not none %}and {{ join.name | ident }}.day = {{ join.day | literal }}{% endif %}

  {% endfor %}
  {% if needs_cells %}
  join cells on cells.cell = units.unit_key // {{ units_per_cell | literal }}
  {% endif %}
  {% if sample is not none %}
  where units.unit_key % {{ units_per_cell | literal }} <= {{ sample | literal }}
  {% endif %}
)
