/* what each day adds to the moments: only units that are active on a day move them */
with {% if since is not none %}{% include "_running_since.sql" %}{% else %}running as (
  select
    unit_key,
    day,
    row_number() over active_days as active_day
    {% for column in columns %}
    , {{ tree(column.now) }} as {{ column.name | ident }}
    , {{ tree(column.before) }} as {{ column.before_name | ident }}
    {% endfor %}
  from {{ table | ident }}
  where day > 0
  window active_days as (partition by unit_key order by day rows between unbounded preceding and current row)
)
{% endif %}, day_values as (
  select
    running.unit_key // {{ units_per_cell | literal }} as cell,
    running.day,
    running.active_day
    {% for value in values %}
    , {{ tree(value.tree) }} as {{ value.name | ident }}
    {% endfor %}
  from running
  {% if since is not none %}
  {% for one in since.before %}
  left join {{ tree(one.relation) }} as {{ one.name | ident }} on {{ one.name | ident }}.unit_key = running.unit_key
  {% endfor %}
  {% elif has_covariates %}
  join unit_values on unit_values.unit_key = running.unit_key
  {% endif %}
)
, day_changes as (
  select
    cell,
    day
    {% for value in changes %}
    , {{ tree(value.tree) }} as {{ value.name | ident }}
    {% endfor %}
  from day_values
{% include "_caps.sql" %}
)
select
  cell,
  day
  {% for term in terms %}
  , {{ tree(term.tree) }} as {{ term.name | ident }}
  {% endfor %}
from day_changes
group by cell, day
